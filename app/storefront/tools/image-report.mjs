/**
 * What pictures weigh as they are sent, and what that saves against the widest JPEG of each in a plain <img>.
 * One design of every kind, from every side, in changing colours; no server need run for it.
 *
 *   node tools/image-report.mjs    writes reports/images.md (make image-report); fails if a picture is over its budget
 */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { drawings } from "./images.mjs";

/** Widths that pages ask for: a card on a phone (2 pixels to the point), a product on a phone, the widest there is. */
const WIDTHS = [384, 828, 1200];
/** Of the bandwidth, asked for by the specification; AVIF and WebP at a product's width are what nearly everybody gets. */
const SAVING = 0.5;

const { KINDS, COLOURS, VARIATIONS, VIEWS, QUALITY, FORMATS, WIDEST, LARGEST_BYTES, best } = await drawings();
const root = path.join(import.meta.dirname, "..");

/** @type {Map<string, number[]>} */
const weights = new Map();
let widestBytes = 0;
/** @type {string[]} */
const heavy = [];
for (const [index, kind] of KINDS.entries()) {
  for (const [turn, view] of VIEWS.entries()) {
    const design = {
      kind,
      colour: COLOURS[(index * 3 + turn * 5) % COLOURS.length],
      variation: 1 + ((index + turn) % VARIATIONS),
    };
    widestBytes += (await best(design, view, WIDEST, "jpeg")).length;
    for (const [format, type] of Object.entries(FORMATS)) {
      for (const width of WIDTHS) {
        const { length } = await best(design, view, width, format);
        const of = `${type} ${width}`;
        weights.set(of, [...(weights.get(of) ?? []), length]);
        if (length > LARGEST_BYTES)
          heavy.push(
            `${design.kind}-${design.colour}-${design.variation}-${view}, ${of}: ${length} bytes, allowed ${LARGEST_BYTES}`,
          );
      }
    }
  }
}

const pictures = KINDS.length * VIEWS.length;
const kilobytes = (/** @type {number} */ bytes) => (bytes / 1000).toFixed(1);
const total = (/** @type {number[]} */ sizes) => sizes.reduce((sum, size) => sum + size, 0);
const saved = (/** @type {number[]} */ sizes) => 1 - total(sizes) / widestBytes;
const rows = [...weights].map(
  ([of, sizes]) =>
    `| ${of.replace(" ", " | ")} | ${kilobytes(total(sizes) / sizes.length)} | ${kilobytes(Math.max(...sizes))} | ${(100 * saved(sizes)).toFixed(0)} % |`,
);
const least = Math.min(...["image/avif", "image/webp"].map((format) => saved(weights.get(`${format} 828`) ?? [])));
const text = [
  "# Pictures",
  "",
  `${pictures} pictures, every kind from every side, as they are sent (quality ${QUALITY}). As the widest JPEG they weigh ${kilobytes(widestBytes / pictures)} KB on average.`,
  "",
  "| format | width | KB, average | KB, heaviest | less than the widest JPEG |",
  "|---|---|---|---|---|",
  ...rows,
  "",
  `Budget ${kilobytes(LARGEST_BYTES)} KB each: ${heavy.length ? `${heavy.length} over it` : "kept"}. A product on a phone saves at least ${(100 * least).toFixed(0)} % (asked for: ${SAVING * 100} %).`,
  "",
].join("\n");
const file = path.join(root, "..", "..", "reports", "images.md");
await mkdir(path.dirname(file), { recursive: true });
await writeFile(file, text);
console.log(text);
if (heavy.length || least < SAVING) {
  console.error(["pictures: over budget (src/images, tools/image-report.mjs)", ...heavy].join("\n  "));
  process.exit(1);
}
