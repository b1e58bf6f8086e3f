/** Bundles worker/sw.ts into public/sw.js, with the list of files that it precaches. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

/** Pages that are the same for everybody: their HTML is what an offline visit to them starts from. */
const SHELLS = ["offline", "cart", "checkout", "login", "account", "account/orders", "search", "changes"];
/** Files of the build that a page may need; pictures come as they are looked at. */
const PRECACHED = /\.(?:js|css|woff2)$/;

/** @param {string} root @returns {Promise<{ url: string, revision: string | null }[]>} */
async function precacheList(root) {
  const files = await readdir(path.join(root, ".next/static"), { recursive: true });
  const hashed = files
    .filter((file) => PRECACHED.test(file))
    .sort()
    .map((file) => ({ url: `/_next/static/${file.split(path.sep).join("/")}`, revision: null }));
  const shells = await Promise.all(
    SHELLS.map(async (page) => {
      const html = await readFile(path.join(root, ".next/server/app", `${page}.html`));
      return { url: `/${page}`, revision: createHash("sha256").update(html).digest("hex").slice(0, 16) };
    }),
  );
  const icon = await readFile(path.join(root, "public/icons/icon.svg"));
  return [
    ...hashed,
    ...shells,
    { url: "/icons/icon.svg", revision: createHash("sha256").update(icon).digest("hex").slice(0, 16) },
  ];
}

/** @param {string} root the storefront's directory, after `next build` */
export async function buildWorker(root) {
  await build({
    entryPoints: [path.join(root, "worker/sw.ts")],
    outfile: path.join(root, "public/sw.js"),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    tsconfig: path.join(root, "worker/tsconfig.json"),
    define: { "process.env.NODE_ENV": '"production"', __PRECACHE__: JSON.stringify(await precacheList(root)) },
    logLevel: "warning",
  });
}
