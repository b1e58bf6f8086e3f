/**
 * Judges pages of a running shop with Lighthouse: the median of five runs, mobile and desktop, against what was promised.
 *
 *   node tools/lighthouse.mjs http://127.0.0.1:8000 [/path …]
 *
 * Lighthouse is fetched by npx in the version that still runs on Node 20. Exits 1 if a promise is broken.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const VERSION = "12.8.2";
const RUNS = 5;
const CHROME = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((file) => existsSync(file));

/** Milliseconds, and scores of 100. `tti` is asked for on desktop only. */
const PROMISES = {
  mobile: { fcp: 1500, lcp: 2500, performance: 95, accessibility: 100, "best-practices": 95 },
  desktop: { fcp: 1500, lcp: 2500, tti: 1500, performance: 95, accessibility: 100, "best-practices": 95 },
};
const SCORES = new Set(["performance", "accessibility", "best-practices"]);
const AUDITS = { fcp: "first-contentful-paint", lcp: "largest-contentful-paint", tti: "interactive" };

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** @param {string} url @param {"mobile" | "desktop"} profile @returns {Record<string, number>} */
function once(url, profile) {
  const run = spawnSync(
    "npx",
    ["--yes", `lighthouse@${VERSION}`, url, "--output=json", "--quiet", "--only-categories=performance,accessibility,best-practices", "--chrome-flags=--headless=new --no-sandbox --disable-background-networking", ...(profile === "desktop" ? ["--preset=desktop"] : [])],
    { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, env: { ...process.env, ...(CHROME ? { CHROME_PATH: CHROME } : {}) } },
  );
  if (run.status !== 0) throw new Error(`lighthouse failed on ${url}:\n${run.stderr.slice(-2000)}`);
  const { categories, audits } = JSON.parse(run.stdout);
  return {
    ...Object.fromEntries([...SCORES].map((name) => [name, Math.round(categories[name].score * 100)])),
    ...Object.fromEntries(Object.entries(AUDITS).map(([name, audit]) => [name, Math.round(audits[audit].numericValue)])),
  };
}

const [origin, ...paths] = process.argv.slice(2);
if (!origin) {
  console.error("usage: node tools/lighthouse.mjs ORIGIN [PATH …], for example http://127.0.0.1:8000 / /products");
  process.exit(2);
}

let broken = 0;
for (const path of paths.length ? paths : ["/", "/products"]) {
  for (const profile of /** @type {const} */ (["mobile", "desktop"])) {
    const runs = Array.from({ length: RUNS }, () => once(origin + path, profile));
    for (const [name, limit] of Object.entries(PROMISES[profile])) {
      const value = median(runs.map((run) => run[name] ?? Number.NaN));
      const kept = SCORES.has(name) ? value >= limit : value <= limit;
      if (!kept) broken += 1;
      console.log(`${kept ? "kept  " : "BROKEN"} ${path} ${profile} ${name} ${value} (${SCORES.has(name) ? "at least" : "at most"} ${limit})`);
    }
  }
}
process.exit(broken ? 1 : 0);
