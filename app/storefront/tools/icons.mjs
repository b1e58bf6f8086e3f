/**
 * Makes the app's icons from public/icons/icon.svg, for the manifest and for home screens that take no SVG. Written beside
 * it at each build; not kept in the repository.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";

const SIZES = [192, 512];
/** What a browser asks for by itself at /favicon.ico, for lists and tabs. */
const FAVICON_SIDE = 48;
/** The drawing's own side; an SVG pixel is 1/72 inch to sharp. */
const DRAWN = 512;
/** A mask may cut away all but the circle whose diameter is 80 % of the icon (W3C, Web Application Manifest). */
const SAFE_ZONE = 0.8;
/** What the drawing's ground is made of, up to the corners, where a mask decides on the shape. */
const GROUND = "#1f5a47";

/** @param {string} root the storefront's directory @returns {Promise<string[]>} the files' names */
export async function writeIcons(root) {
  const directory = path.join(root, "public", "icons");
  const drawing = await readFile(path.join(directory, "icon.svg"));
  /** @param {number} side */
  const at = (side) => sharp(drawing, { density: (72 * side) / DRAWN }).resize(side, side);
  const written = await Promise.all(
    SIZES.flatMap((side) => {
      const inner = Math.round(side * SAFE_ZONE);
      const margin = Math.floor((side - inner) / 2);
      const rest = side - inner - margin;
      const plain = at(side);
      const maskable = at(inner)
        .flatten({ background: GROUND })
        .extend({ top: margin, left: margin, bottom: rest, right: rest, background: GROUND });
      return Object.entries({ [`icon-${side}.png`]: plain, [`maskable-${side}.png`]: maskable }).map(
        async ([name, picture]) => {
          await picture.png({ compressionLevel: 9, palette: true }).toFile(path.join(directory, name));
          return name;
        },
      );
    }),
  );
  await writeFile(path.join(root, "public", "favicon.ico"), asIcon(await at(FAVICON_SIDE).png().toBuffer()));
  return [...written, "favicon.ico"];
}

/**
 * One PNG in an ICO container: https://learn.microsoft.com/windows/win32/menurc/resdir (header 6 bytes, entry 16).
 * @param {Buffer} png @returns {Buffer}
 */
function asIcon(png) {
  const head = Buffer.alloc(22);
  head.writeUInt16LE(1, 2); // an icon
  head.writeUInt16LE(1, 4); // one picture
  head.writeUInt8(FAVICON_SIDE, 6);
  head.writeUInt8(FAVICON_SIDE, 7);
  head.writeUInt16LE(1, 10); // colour planes
  head.writeUInt16LE(32, 12); // bits per pixel
  head.writeUInt32LE(png.length, 14);
  head.writeUInt32LE(head.length, 18);
  return Buffer.concat([head, png]);
}
