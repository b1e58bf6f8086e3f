/**
 * What every page needs before anything shows: its fonts, announced in a `Link` header, which browsers and Early Hints at
 * the edge act on before they have read the page. Their names hold hashes that are known only once the shop is built, so
 * next.config.ts declares the header with a stand-in for its value, and the build fills that in.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

export const PLACEHOLDER = "the fonts, once they are built";

/** @param {string} root of the storefront @param {string} assets where hashed files are fetched from; empty: the shop itself */
export async function writePreloads(root, assets) {
  const next = path.join(root, ".next");
  /** @type {{ app: Record<string, string[]> }} */
  const { app } = JSON.parse(await readFile(path.join(next, "server", "next-font-manifest.json"), "utf8"));
  const fonts = [...new Set(Object.values(app).flat())].sort();
  if (!fonts.length) throw new Error("the build names no fonts to preload: has the layout lost them?");
  const value = fonts
    .map((file) => `<${assets}/_next/${file}>; rel=preload; as=font; type="font/woff2"; crossorigin`)
    .join(", ");
  for (const directory of [next, path.join(next, "standalone", ".next")]) {
    const file = path.join(directory, "routes-manifest.json");
    const text = await readFile(file, "utf8");
    if (!text.includes(JSON.stringify(PLACEHOLDER)))
      throw new Error(`${file} lacks the header that next.config.ts declares`);
    await writeFile(file, text.replaceAll(JSON.stringify(PLACEHOLDER), JSON.stringify(value)));
  }
}
