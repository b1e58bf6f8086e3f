/**
 * Writes what is known about the drawings before any is drawn:
 * - `src/generated/images.json`: their version, a hash of all they are drawn from (made at each build);
 * - `app/database/catalogue/pictures.json`: the blur hash of each kind in each colour, which the catalogue stores with its
 *   products. Kept in the repository, so that the catalogue needs no Node; `--check` fails if the drawings give others.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { encode } from "blurhash";
import { build } from "esbuild";

const root = path.join(import.meta.dirname, "..");
const SIDE = 32;
const HASHES = path.join(root, "..", "database", "catalogue", "pictures.json");

/** Writes `version`: twelve hex digits of everything in src/images, unless another is given. @param {string} [given] */
export async function writeVersion(given) {
  const directory = path.join(root, "src", "images");
  const hash = createHash("sha256");
  const files = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
  for (const name of files) hash.update(await readFile(path.join(directory, name)));
  await mkdir(path.join(root, "src", "generated"), { recursive: true });
  const version = given ?? hash.digest("hex").slice(0, 12);
  await writeFile(path.join(root, "src", "generated", "images.json"), `${JSON.stringify({ version })}\n`);
}

/** The drawings themselves, which are TypeScript, for a tool. */
export async function drawings() {
  const bundled = path.join(root, "node_modules", ".cache", `drawings-${process.pid}.mjs`);
  await build({
    stdin: {
      contents:
        'export * from "./src/images/designs"; export * from "./src/images/render"; export * from "./src/shop/image-views";',
      resolveDir: root,
    },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: bundled,
    external: ["sharp"],
    logLevel: "warning",
  });
  try {
    return await import(pathToFileURL(bundled).href);
  } finally {
    await rm(bundled, { force: true });
  }
}

/** Bundles src/server/picture-maker.ts, which the server starts as a process of its own. @param {string} outfile */
export const buildPictureMaker = (outfile) =>
  build({
    entryPoints: [path.join(root, "src", "server", "picture-maker.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    external: ["sharp"],
    logLevel: "warning",
  });

async function blurHashes() {
  const { KINDS, COLOURS, thumbnail } = await drawings();
  /** @type {Record<string, string>} */
  const hashes = {};
  for (const kind of KINDS) {
    for (const colour of COLOURS) {
      const pixels = await thumbnail({ kind, colour, variation: 1 }, SIDE);
      hashes[`${kind}-${colour}`] = encode(new Uint8ClampedArray(pixels), SIDE, SIDE, 4, 3);
    }
  }
  return hashes;
}

if (process.argv[1] === import.meta.filename) {
  const text = `${JSON.stringify(await blurHashes(), null, 1)}\n`;
  if (process.argv.includes("--check")) {
    if ((await readFile(HASHES, "utf8")) !== text) {
      console.error(`${path.relative(process.cwd(), HASHES)} isn't what the drawings give: run node tools/images.mjs`);
      process.exit(1);
    }
  } else {
    await writeFile(HASHES, text);
  }
}
