/**
 * What the shop may weigh, and how much it does. JavaScript is counted as it travels (gzip), per route, as the files that
 * Next's own diagnostics name for a first visit.
 *
 *   node tools/budgets.mjs --report    writes reports/bundle.md (make bundle-report)
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";

/** The specification asks for 200 KB; the framework alone takes 137. */
export const FIRST_LOAD_KB = 155;
export const BUILD_SECONDS = 60;
/** What the compiler's cache has to save of a build's time. */
export const BUILD_SAVING = 0.15;
/** What splitting has to save against one bundle with everything. */
const SAVING = 0.2;
const KB = 1024;

/** @typedef {{ route: string, kilobytes: number, own: number }} RouteSize own: what no other route shares */

/** @param {string} root @returns {Promise<{ routes: RouteSize[], unsplit: number }>} all in KB, gzip */
async function measure(root) {
  const next = path.join(root, ".next");
  /** @type {{ route: string, firstLoadChunkPaths: string[] }[]} */
  const stats = JSON.parse(await readFile(path.join(next, "diagnostics", "route-bundle-stats.json"), "utf8"));
  /** @type {Map<string, number>} */
  const sizes = new Map();
  const chunks = (await readdir(path.join(next, "static", "chunks"), { recursive: true })).filter((name) =>
    name.endsWith(".js"),
  );
  const { polyfillFiles } = JSON.parse(await readFile(path.join(next, "build-manifest.json"), "utf8"));
  for (const name of chunks) {
    // Polyfills are for browsers that know no modules; no other fetches them.
    if (polyfillFiles.includes(`static/chunks/${name}`)) continue;
    sizes.set(
      `.next/static/chunks/${name}`,
      gzipSync(await readFile(path.join(next, "static", "chunks", name))).length / KB,
    );
  }
  /** @param {string[]} files */
  const sum = (files) => files.reduce((total, file) => total + (sizes.get(file) ?? 0), 0);
  const shared = stats.reduce(
    (common, { firstLoadChunkPaths }) => common.filter((file) => firstLoadChunkPaths.includes(file)),
    stats[0]?.firstLoadChunkPaths ?? [],
  );
  const routes = stats
    .map(({ route, firstLoadChunkPaths }) => ({
      route,
      kilobytes: sum(firstLoadChunkPaths),
      own: sum(firstLoadChunkPaths) - sum(shared),
    }))
    .sort((a, b) => b.kilobytes - a.kilobytes);
  return { routes, unsplit: sum([...sizes.keys()]) };
}

/** Ends the build if a budget is broken. @param {string} root @param {number} seconds what the build took @param {boolean} timed */
export async function checkBudgets(root, seconds, timed) {
  const { routes, unsplit } = await measure(root);
  const heaviest = routes[0];
  if (!heaviest)
    throw new Error("Next's diagnostics name no route: .next/diagnostics/route-bundle-stats.json is empty");
  const saving = 1 - heaviest.kilobytes / unsplit;
  console.log(
    `storefront: built in ${seconds.toFixed(1)} s; first load at most ${heaviest.kilobytes.toFixed(1)} KB gzip (${heaviest.route}), ${(saving * 100).toFixed(0)} % less than unsplit`,
  );
  const broken = routes
    .filter(({ kilobytes }) => kilobytes > FIRST_LOAD_KB)
    .map(({ route, kilobytes }) => `${route}: first load ${kilobytes.toFixed(1)} KB gzip, allowed ${FIRST_LOAD_KB}`);
  if (saving < SAVING)
    broken.push(
      `${heaviest.route}: only ${(saving * 100).toFixed(0)} % less than one unsplit bundle, asked for ${SAVING * 100} %`,
    );
  // A slow or busy machine is no fault of the shop's: the time counts where it is asked for (CI, the tests).
  if (timed && seconds > BUILD_SECONDS) broken.push(`the build took ${seconds.toFixed(1)} s, allowed ${BUILD_SECONDS}`);
  if (broken.length) {
    console.error(`storefront: over budget (tools/budgets.mjs):\n  ${broken.join("\n  ")}`);
    process.exit(1);
  }
}

/** @param {string} root */
async function report(root) {
  const { routes, unsplit } = await measure(root);
  const heaviest = routes[0]?.kilobytes ?? 0;
  const enough = 1 - heaviest / unsplit >= SAVING;
  const rows = routes.map(
    ({ route, kilobytes, own }) =>
      `| \`${route}\` | ${kilobytes.toFixed(1)} | ${own.toFixed(1)} | ${(100 * (1 - kilobytes / unsplit)).toFixed(0)} % |`,
  );
  const text = [
    "# Bundle report",
    "",
    `JavaScript of a first visit, KB gzip. Budget ${FIRST_LOAD_KB}; one bundle with every route and every dynamic import would have ${unsplit.toFixed(1)}.`,
    "",
    "| route | first load | its own | less than unsplit |",
    "|---|---|---|---|",
    ...rows,
    "",
    `Heaviest ${heaviest.toFixed(1)} KB: ${enough ? "saves" : "does NOT save"} the ${SAVING * 100} % asked for.`,
    "",
  ].join("\n");
  const file = path.join(root, "..", "..", "reports", "bundle.md");
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  console.log(text);
  if (!enough) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename && process.argv.includes("--report"))
  await report(path.join(import.meta.dirname, ".."));
