import sharp from "sharp";
import type { View } from "../shop/image-views";
import type { Design } from "./designs";
import { draw } from "./draw";

/** Pixels along each side: the widest that a page asks for, doubled screens included, is 1,200. */
const SIDE = 1200;
/** A source for next/image, which compresses it again for each format and width. */
const QUALITY = 90;

export function jpeg(design: Design, view: View): Promise<Buffer> {
  return sharp(Buffer.from(draw(design, view)), { density: (72 * SIDE) / 1000 }).resize(SIDE, SIDE).jpeg({ quality: QUALITY, mozjpeg: false }).toBuffer();
}

/** RGBA of a small version, for the blur hash. */
export function thumbnail(design: Design, side: number): Promise<Buffer> {
  return sharp(Buffer.from(draw(design, "front"))).resize(side, side).ensureAlpha().raw().toBuffer();
}
