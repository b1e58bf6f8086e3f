/**
 * A process of its own that makes pictures in their best format, one after another, with what the pages leave of the
 * processor. Started by src/server/pictures.ts, which it answers by messages; it ends with it.
 */
import os from "node:os";
import sharp from "sharp";
import type { Design } from "../images/designs";
import { best, type Format } from "../images/render";
import type { View } from "../shop/image-views";

export interface Wanted {
  /** Name of the file that it will be kept in. */
  key: string;
  design: Design;
  view: View;
  width: number;
  format: Format;
}

export interface Made {
  key: string;
  picture?: Uint8Array;
  problem?: string;
}

os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
sharp.concurrency(1);
sharp.cache(false);

process.on("message", async ({ key, design, view, width, format }: Wanted) => {
  const made: Made = await best(design, view, width, format).then(
    (picture) => ({ key, picture }),
    (error: unknown) => ({ key, problem: String(error) }),
  );
  process.send?.(made);
});
process.on("disconnect", () => process.exit());
