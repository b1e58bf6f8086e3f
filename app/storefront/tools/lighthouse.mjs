/**
 * Judges pages of a running shop with Lighthouse: the median of five runs, mobile and desktop, against what was promised;
 * and weighs the pictures that the browser fetched, each by itself and all against the drawn files in a plain <img>.
 *
 *   node tools/lighthouse.mjs http://127.0.0.1:8000 [/path …]     (make lighthouse, which installs Lighthouse first)
 *
 * Writes reports/lighthouse.md. Exits 1 if a promise is broken.
 *
 * Lighthouse takes a phone for four times as slow as the machine that it runs on, and a task's time for its work. Where a
 * page's tasks mostly wait for a core that the browser's other processes have, both together count the waiting four times.
 * So a first visit of each page measures which share of its tasks' time was work, and the factor is that share of four:
 * four where cores are free (Lighthouse's docs/throttling.md: calibrate the multiplier to the host).
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const repository = path.join(import.meta.dirname, "..", "..", "..");
const LIGHTHOUSE = path.join(repository, ".tools", "lighthouse", "node_modules", "lighthouse", "cli", "index.js");
const CHROME = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((file) => existsSync(file));
const RUNS = 5;
/** Lighthouse's own failures ask to be run again; one that stays isn't an accident. */
const TRIES = 3;
/** How much slower a phone is, by Lighthouse. */
const PHONE = 4;
const FLAGS = "--headless=new --no-sandbox --disable-background-networking --disable-dev-shm-usage";

/** Milliseconds, bytes, and scores of 100. `tti` is asked for on desktop only. */
const PICTURES = { "heaviest picture": 50_000, "picture bandwidth saved": 50 };
const PROMISES = {
  mobile: { fcp: 1500, lcp: 2500, performance: 95, accessibility: 100, "best-practices": 95, ...PICTURES },
  desktop: { fcp: 1500, lcp: 2500, tti: 1500, performance: 95, accessibility: 100, "best-practices": 95, ...PICTURES },
};
const CATEGORIES = ["performance", "accessibility", "best-practices"];
/** What has to be at least that much; all others at most. */
const AT_LEAST = new Set([...CATEGORIES, "picture bandwidth saved"]);
const AUDITS = { fcp: "first-contentful-paint", lcp: "largest-contentful-paint", tti: "interactive" };

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** @type {Map<string, number>} */
const drawn = new Map();
/** Audits of accessibility and best practices that found something. @type {Set<string>} */
const failing = new Set();

/** The size of the file behind an address of next/image. @param {string} address @returns {Promise<number>} bytes */
async function sizeAsDrawn(address) {
  const { origin, searchParams } = new URL(address);
  const source = origin + searchParams.get("url");
  let size = drawn.get(source);
  if (size === undefined) {
    // This process stood still while Lighthouse ran: a connection from before may be closed, and a second try makes another.
    size = (await (await fetch(source).catch(() => fetch(source))).arrayBuffer()).byteLength;
    drawn.set(source, size);
  }
  return size;
}

/** @param {{ url: string, resourceType?: string, resourceSize: number }[]} requests */
async function pictures(requests) {
  const fetched = requests.filter(({ url }) => new URL(url).pathname === "/_next/image");
  const sizes = fetched.map(({ resourceSize }) => resourceSize);
  const asDrawn = (await Promise.all(fetched.map(({ url }) => sizeAsDrawn(url)))).reduce((sum, size) => sum + size, 0);
  const sent = sizes.reduce((sum, size) => sum + size, 0);
  return {
    "heaviest picture": Math.max(0, ...sizes),
    "picture bandwidth saved": asDrawn ? Math.round(100 * (1 - sent / asDrawn)) : 100,
  };
}

/**
 * Runs Lighthouse, and gives its report and which share of its main thread's tasks was work (1 where that can't be told).
 * @param {string} url @param {"mobile" | "desktop"} profile @param {number} slowdown
 */
async function lighthouse(url, profile, slowdown) {
  const directory = await mkdtemp(path.join(tmpdir(), "lighthouse-"));
  const report = path.join(directory, "run.json");
  const flags = [
    "--output=json",
    `--output-path=${report}`,
    "--save-assets",
    "--quiet",
    `--only-categories=${CATEGORIES.join(",")}`,
    `--chrome-flags=${FLAGS}`,
  ];
  const device = profile === "desktop" ? ["--preset=desktop"] : [`--throttling.cpuSlowdownMultiplier=${slowdown}`];
  try {
    for (let attempt = 1; ; attempt += 1) {
      const run = spawnSync(process.execPath, [LIGHTHOUSE, url, ...flags, ...device], {
        encoding: "utf8",
        env: { ...process.env, ...(CHROME ? { CHROME_PATH: CHROME } : {}) },
      });
      if (run.status === 0) {
        const trace = JSON.parse(await readFile(path.join(directory, "run-0.trace.json"), "utf8"));
        return { ...JSON.parse(await readFile(report, "utf8")), work: shareOfWork(trace.traceEvents) };
      }
      console.error(`Lighthouse failed on ${url}, try ${attempt} of ${TRIES}: ${run.stderr.trim().split("\n").at(-1)}`);
      if (attempt === TRIES) process.exit(2);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** CPU time of the page's main thread over the time that its tasks took. @param {any[]} events of a Chromium trace */
function shareOfWork(events) {
  const paint = events.findLast(({ name }) => name === "firstContentfulPaint");
  let took = 0;
  let worked = 0;
  for (const { ph, name, pid, tid, dur, tdur } of events) {
    if (ph !== "X" || pid !== paint?.pid || tid !== paint?.tid || !/(^|::)RunTask$/.test(name)) continue;
    took += dur;
    worked += tdur ?? dur;
  }
  return took ? worked / took : 1;
}

/** @param {string} url @param {"mobile" | "desktop"} profile @param {number} slowdown @returns {Promise<Record<string, number>>} */
async function once(url, profile, slowdown) {
  const { categories, audits } = await lighthouse(url, profile, slowdown);
  for (const { id, weight } of CATEGORIES.slice(1).flatMap((name) => categories[name].auditRefs)) {
    if (weight && audits[id].score !== null && audits[id].score < 1)
      failing.add(`${new URL(url).pathname} ${profile}: ${audits[id].title}`);
  }
  return {
    ...Object.fromEntries(CATEGORIES.map((name) => [name, Math.round(categories[name].score * 100)])),
    ...Object.fromEntries(
      Object.entries(AUDITS).map(([name, audit]) => [name, Math.round(audits[audit].numericValue)]),
    ),
    ...(await pictures(audits["network-requests"].details.items)),
  };
}

/** How much slower a phone is than the page's share of this machine. @param {string[]} urls @returns {Promise<number>} */
async function calibrate(urls) {
  const shares = [];
  // Afterwards somebody has been here: pictures are compressed, and the pages are made.
  for (const url of urls) shares.push((await lighthouse(url, "mobile", PHONE)).work);
  return Math.max(1, Math.round(PHONE * median(shares) * 10) / 10);
}

/** Home, the listing and a product of it. @param {string} origin */
async function usualPaths(origin) {
  const [product] = /\/products\/\d+/.exec(await (await fetch(`${origin}/products`)).text()) ?? [];
  return ["/", "/products", ...(product ? [product] : [])];
}

const [origin, ...asked] = process.argv.slice(2);
if (!origin) {
  console.error("usage: node tools/lighthouse.mjs ORIGIN [PATH …], for example http://127.0.0.1:8000 / /products");
  process.exit(2);
}
if (!existsSync(LIGHTHOUSE) || !CHROME) {
  console.error(
    CHROME ? `${LIGHTHOUSE} is missing: run it as make lighthouse` : "a browser is missing: run make chromium",
  );
  process.exit(2);
}
const paths = asked.length
  ? asked
  : await usualPaths(origin).catch((error) => {
      console.error(
        `${origin} doesn't answer (${error.cause?.code ?? error.message}): is the shop up (make up), or is it elsewhere (URL=…)?`,
      );
      process.exit(2);
    });

let broken = 0;
const rows = [];
const slowdown = await calibrate(paths.map((page) => origin + page));
const method = `Median of ${RUNS} runs. A phone is taken to be ${slowdown} times as slow as the main thread here (Lighthouse's ${PHONE}, less what tasks waited for a core).`;
console.log(method);
for (const page of paths) {
  for (const profile of /** @type {const} */ (["mobile", "desktop"])) {
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) runs.push(await once(origin + page, profile, slowdown));
    for (const [name, limit] of Object.entries(PROMISES[profile])) {
      const value = median(runs.map((run) => run[name] ?? Number.NaN));
      const kept = AT_LEAST.has(name) ? value >= limit : value <= limit;
      if (!kept) broken += 1;
      rows.push(
        `| \`${page}\` | ${profile} | ${name} | ${value} | ${AT_LEAST.has(name) ? "≥" : "≤"} ${limit} | ${kept ? "kept" : "**BROKEN**"} |`,
      );
      console.log(
        `${kept ? "kept  " : "BROKEN"} ${page} ${profile} ${name} ${value} (${AT_LEAST.has(name) ? "at least" : "at most"} ${limit})`,
      );
    }
  }
}
for (const audit of failing) console.log(`found  ${audit}`);
const text = [
  "# Lighthouse",
  "",
  `${method} Times in ms, pictures in bytes and % of what the drawn files would weigh.`,
  "",
  "| page | profile | what | value | promised | |",
  "|---|---|---|---|---|---|",
  ...rows,
  "",
].join("\n");
await mkdir(path.join(repository, "reports"), { recursive: true });
await writeFile(path.join(repository, "reports", "lighthouse.md"), text);
process.exit(broken ? 1 : 0);
