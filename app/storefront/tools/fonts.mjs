/** Cuts the shop's fonts by the ranges of characters that src/app/fonts.ts declares, into src/generated. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import subsetFont from "subset-font";

/** @type {Record<string, string>} */
const SOURCES = {
  figtree: "@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2",
  "instrument-serif": "@fontsource/instrument-serif/files/instrument-serif-latin-400-normal.woff2",
};
const DECLARED = /src: "\.\.\/generated\/([\w-]+)-(\w+)\.woff2"[\s\S]*?prop: "unicode-range",\s*value:\s*"([^"]+)"/g;

/** @param {string} ranges such as "U+20-7E, U+A3" @returns {string} every character in them */
const charactersIn = (ranges) =>
  ranges
    .split(",")
    .map((range) => {
      const [first, last = first] = range.trim().slice("U+".length).split("-");
      const [from, to] = [Number.parseInt(first ?? "", 16), Number.parseInt(last ?? "", 16)];
      return String.fromCodePoint(...Array.from({ length: to - from + 1 }, (_, index) => from + index));
    })
    .join("");

/** @param {string} root the storefront's directory */
export async function writeFonts(root) {
  const directory = path.join(root, "src", "generated");
  await mkdir(directory, { recursive: true });
  const declared = [...(await readFile(path.join(root, "src", "app", "fonts.ts"), "utf8")).matchAll(DECLARED)];
  if (!declared.length) throw new Error("src/app/fonts.ts declares no font that is cut");
  for (const [, name = "", part = "", ranges = ""] of declared) {
    const source = createRequire(import.meta.url).resolve(SOURCES[name] ?? name);
    const font = await subsetFont(await readFile(source), charactersIn(ranges), { targetFormat: "woff2" });
    await writeFile(path.join(directory, `${name}-${part}.woff2`), font);
  }
}
