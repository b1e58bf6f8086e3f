import { decode } from "blurhash";

/** Pixels along each side; the browser smooths them when it stretches the picture. */
const SIDE = 4;
const HEADER = 54;
const ROW = Math.ceil((SIDE * 3) / 4) * 4;

/** A stored blur hash as a tiny picture for next/image's `placeholder`, as a data URL; undefined for a hash that isn't one. */
export function placeholder(hash: string): `data:image/${string}` | undefined {
  const bytes = bitmap(hash);
  return bytes && `data:image/bmp;base64,${btoa(String.fromCharCode(...bytes))}`;
}

/** The same as a file, image/bmp. A bitmap needs no compressor, so this runs on the server and in the browser alike. */
export function bitmap(hash: string): Uint8Array<ArrayBuffer> | undefined {
  let pixels: Uint8ClampedArray;
  try {
    pixels = decode(hash, SIDE, SIDE);
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array(HEADER + ROW * SIDE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x424d); // "BM"
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, HEADER, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, SIDE, true);
  view.setInt32(22, -SIDE, true); // negative: rows from the top
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const from = (y * SIDE + x) * 4;
      const to = HEADER + y * ROW + x * 3;
      bytes[to] = pixels[from + 2] ?? 0;
      bytes[to + 1] = pixels[from + 1] ?? 0;
      bytes[to + 2] = pixels[from] ?? 0;
    }
  }
  return bytes;
}
