import sharp, { type Sharp } from "sharp";
import { QUALITY, type View } from "../shop/image-views";
import type { Design } from "./designs";
import { draw } from "./draw";

/** The format's name in HTTP, the best first. */
export const FORMATS = { avif: "image/avif", webp: "image/webp", jpeg: "image/jpeg" } as const;
export type Format = keyof typeof FORMATS;

/** Pixels along each side; the widest that a page asks for, doubled screens included. */
export const WIDEST = 1200;
/** What has so many edges that it would be too heavy is made smaller, step by step. */
const SMALLER = [1000, 800, 640];
/** The most that a picture may weigh as it travels, in bytes; the specification's 50 KB. */
export const LARGEST_BYTES = 50_000;

/** As next/image encodes them. AVIF at 20 less looks the same. */
const BEST: Record<Format, (picture: Sharp) => Sharp> = {
  avif: (picture) => picture.avif({ quality: QUALITY - 20, effort: 3 }),
  webp: (picture) => picture.webp({ quality: QUALITY }),
  jpeg: (picture) => picture.jpeg({ quality: QUALITY, mozjpeg: true }),
};

/** The same picture a little heavier, in a tenth of the time. */
const QUICK: Record<Exclude<Format, "avif">, (picture: Sharp) => Sharp> = {
  webp: (picture) => picture.webp({ quality: QUALITY - 5, effort: 0 }),
  jpeg: (picture) => picture.jpeg({ quality: QUALITY - 5 }),
};

/** A picture as it travels: `width` pixels wide, at most `WIDEST`, and at most `LARGEST_BYTES`. */
export const best = (design: Design, view: View, width: number, format: Format): Promise<Buffer> =>
  encoded(design, view, width, BEST[format]);

/** What is shown until the best is made. */
export const quick = (design: Design, view: View, width: number, format: Exclude<Format, "avif">): Promise<Buffer> =>
  encoded(design, view, width, QUICK[format]);

async function encoded(design: Design, view: View, width: number, encode: (picture: Sharp) => Sharp): Promise<Buffer> {
  const side = Math.min(width, WIDEST);
  const drawn = await sharp(Buffer.from(draw(design, view)), { density: (72 * side) / 1000 })
    .resize(side, side)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (const smaller of [side, ...SMALLER.filter((step) => step < side)]) {
    const picture = sharp(drawn.data, { raw: drawn.info });
    const bytes = await encode(smaller === side ? picture : picture.resize(smaller, smaller)).toBuffer();
    if (bytes.length <= LARGEST_BYTES) return bytes;
  }
  throw new Error(
    `${design.kind}-${design.colour}-${design.variation}, ${view}: heavier than ${LARGEST_BYTES} bytes even with ${SMALLER.at(-1)} pixels a side`,
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
