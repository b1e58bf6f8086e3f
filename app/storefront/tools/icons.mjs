/**
 * Makes the app's icons from public/icons/icon.svg, for the manifest and for home screens that take no SVG. Written beside
 * it at each build; not kept in the repository.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";

const SIZES = [192, 512];
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
  return written;
}
