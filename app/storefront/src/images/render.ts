import sharp from "sharp";
import type { View } from "../shop/image-views";
import type { Design } from "./designs";
import { draw } from "./draw";

/**
 * Pixels along each side, the best first. The widest that a page asks for, doubled screens included, is 1,200; what has so
 * many edges that it would be too heavy is drawn smaller (next/image never enlarges).
 */
const SIDES = [1200, 1000, 800, 640] as const;
/** The most that a picture may weigh as it travels, in bytes; the specification's 50 KB. JPEG is the heaviest format. */
export const LARGEST_BYTES = 50_000;
/** As next/image compresses it for browsers that know nothing better. */
const DELIVERED = { quality: 85, mozjpeg: true };
/** A source for next/image, which compresses it again for each format and width. */
const QUALITY = 90;

export async function jpeg(design: Design, view: View): Promise<Buffer> {
  const [widest] = SIDES;
  const drawn = await sharp(Buffer.from(draw(design, view)), { density: (72 * widest) / 1000 })
    .resize(widest, widest)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (const side of SIDES) {
    const source = await sharp(drawn.data, { raw: drawn.info })
      .resize(side, side)
      .jpeg({ quality: QUALITY, mozjpeg: false })
      .toBuffer();
    if ((await sharp(source).jpeg(DELIVERED).toBuffer()).length <= LARGEST_BYTES) return source;
  }
  throw new Error(
    `${design.kind}-${design.colour}-${design.variation}, ${view}: heavier than ${LARGEST_BYTES} bytes even with ${SIDES.at(-1)} pixels a side`,
  );
}

/** RGBA of a small version, for the blur hash. */
export function thumbnail(design: Design, side: number): Promise<Buffer> {
  return sharp(Buffer.from(draw(design, "front")))
    .resize(side, side)
    .ensureAlpha()
    .raw()
    .toBuffer();
}
