/**
 * Judges pages of a running shop with Lighthouse: the median of five runs, mobile and desktop, against what was promised;
 * weighs the pictures that the browser fetched, each by itself and all against the drawn files in a plain <img>; and taps
 * on what the usual pages offer, as a phone, by the browser's own event timing (Lighthouse's simulation knows no taps).
 *
 *   node tools/lighthouse.mjs http://127.0.0.1:8000 [/path …]     (make lighthouse, which installs Lighthouse first)
 *
 * Writes reports/lighthouse.md. Exits 1 if a promise is broken, 2 if nothing can be judged.
 *
 * The phone's line and processor are slowed down while the page loads. Lighthouse's default simulates them afterwards from
 * a fast visit: it takes whatever a loopback has brought before a paint for needed by it, so it tells a page that needs no
 * script to show anything 0.5 s more or less from run to run, and one that fetches for its script 1.3 s too little.
 *
 * How much slower a phone is, this machine's own speed says, as Lighthouse measures it on each visit (BenchmarkIndex) and as
 * Chrome's DevTools calibrate by it. Below twice, the machine is too slow or too busy to stand for a phone.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const repository = path.join(import.meta.dirname, "..", "..", "..");
const LIGHTHOUSE = path.join(repository, ".tools", "lighthouse", "node_modules", "lighthouse", "cli", "index.js");
/** The headless shell first: it leaves a page's main thread more of the cores. */
const CHROME = ["chromium-headless-shell", "chromium", "google-chrome"]
  .map((name) => `/usr/bin/${name}`)
  .find((file) => existsSync(file));
const RUNS = 5;
/** Lighthouse's own failures ask to be run again; one that stays isn't an accident. */
const TRIES = 3;
/** BenchmarkIndex of a mid-tier phone, such as a Pixel 5 (DevTools' panels/mobile_throttling/CalibrationController.ts). */
const PHONE = 1000;
const LEAST_SLOWDOWN = 2;
const FLAGS = "--headless=new --no-sandbox --disable-background-networking --disable-dev-shm-usage";

/** Milliseconds, bytes, and scores of 100. `tti` is asked for on desktop only, `inp` of pages in `TAPS` on a phone. */
const BOTH = {
  fcp: 1500,
  lcp: 2000,
  tbt: 200,
  cls: 0.02,
  performance: 95,
  accessibility: 100,
  "best-practices": 95,
  "heaviest picture": 50_000,
  "picture bandwidth saved": 50,
};
/** @type {Record<"mobile" | "desktop", Record<string, number>>} */
const PROMISES = { mobile: { ...BOTH, inp: 200 }, desktop: { ...BOTH, tti: 1500 } };
const CATEGORIES = ["performance", "accessibility", "best-practices"];
/** What has to be at least that much; all others at most. */
const AT_LEAST = new Set([...CATEGORIES, "picture bandwidth saved"]);
const AUDITS = {
  fcp: "first-contentful-paint",
  lcp: "largest-contentful-paint",
  tbt: "total-blocking-time",
  cls: "cumulative-layout-shift",
  tti: "interactive",
};
/** A share of the view, by which things move; the others are whole milliseconds. */
const FRACTIONS = new Set(["cls"]);

/**
 * What is tapped on each kind of page, one after the other; what stands in a field is typed. In this order, since the cart
 * and the checkout have what the product's page put there.
 * @type {[kind: RegExp, taps: string[]][]}
 */
const TAPS = [
  [/^\/$/, ["header [role=combobox]"]],
  [/^\/products(\?|$)/, [".filters summary", ".sorts a:not([aria-current])"]],
  [/^\/products\/\d/, [".add-to-cart button", "button.gallery-main"]],
  [/^\/search/, [".filters summary", "article h3 a"]],
  [/^\/cart/, ["[aria-label='One more']", "[aria-label='One fewer']"]],
  [/^\/checkout/, ["main form input", "main form [type=submit]"]],
];
const TYPED = "lamp";
/** How long a tap has for what follows from it, until the next one. */
const SETTLE_MS = 1_000;
/** A phone as Lighthouse has it. */
const SCREEN = { width: 412, height: 823, deviceScaleFactor: 1.75, isMobile: true, hasTouch: true };
/** Events shorter than that aren't told apart by browsers. */
const SHORTEST_EVENT_MS = 16;

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
 * Runs Lighthouse, and gives its report.
 * @param {string} url @param {"mobile" | "desktop"} profile @param {number} [slowdown] of a phone
 */
async function lighthouse(url, profile, slowdown = 1) {
  const directory = await mkdtemp(path.join(tmpdir(), "lighthouse-"));
  const report = path.join(directory, "run.json");
  const flags = [
    "--output=json",
    `--output-path=${report}`,
    "--quiet",
    `--only-categories=${CATEGORIES.join(",")}`,
    `--chrome-flags=${FLAGS}`,
  ];
  const device = {
    desktop: ["--preset=desktop"],
    mobile: ["--throttling-method=devtools", `--throttling.cpuSlowdownMultiplier=${slowdown}`],
  }[profile];
  try {
    for (let attempt = 1; ; attempt += 1) {
      const run = spawnSync(process.execPath, [LIGHTHOUSE, url, ...flags, ...device], {
        encoding: "utf8",
        env: { ...process.env, ...(CHROME ? { CHROME_PATH: CHROME } : {}) },
      });
      if (run.status === 0) return JSON.parse(await readFile(report, "utf8"));
      console.error(`Lighthouse failed on ${url}, try ${attempt} of ${TRIES}: ${run.stderr.trim().split("\n").at(-1)}`);
      if (attempt === TRIES) process.exit(2);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
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
      Object.entries(AUDITS).map(([name, audit]) => {
        const { numericValue } = audits[audit];
        return [name, FRACTIONS.has(name) ? Math.round(numericValue * 1000) / 1000 : Math.round(numericValue)];
      }),
    ),
    ...(await pictures(audits["network-requests"].details.items)),
  };
}

/** How much slower than this machine a phone is. @param {string[]} urls @returns {Promise<number>} */
async function calibrate(urls) {
  const speeds = [];
  // Afterwards somebody has been here: pictures are compressed, and the pages are made.
  for (const url of urls) speeds.push((await lighthouse(url, "mobile")).environment.benchmarkIndex);
  return Math.round((10 * median(speeds)) / PHONE) / 10;
}

/** @param {string} page a path @returns {string[]} what is tapped there */
const tapsOn = (page) => TAPS.find(([kind]) => kind.test(page))?.[1] ?? [];

/**
 * How long the slowest tap on each page took until the next frame that a visitor could see: its Interaction to Next Paint.
 * @param {string} origin @param {string[]} pages @param {number} slowdown @returns {Promise<Record<string, number>>} by page
 */
async function tapped(origin, pages, slowdown) {
  const { default: puppeteer } = await import(pathToFileURL(createRequire(LIGHTHOUSE).resolve("puppeteer-core")).href);
  const browser = await puppeteer.launch({ executablePath: CHROME, args: FLAGS.split(" ") });
  /** @type {Record<string, number>} */
  const slowest = {};
  try {
    const page = await browser.newPage();
    await page.setViewport(SCREEN);
    await page.evaluateOnNewDocument((/** @type {number} */ durationThreshold) => {
      const seen = { slowest: 0 };
      new PerformanceObserver((list) => {
        for (const entry of /** @type {PerformanceEventTiming[]} */ (list.getEntries()))
          if (/** @type {any} */ (entry).interactionId) seen.slowest = Math.max(seen.slowest, entry.duration);
      }).observe({ type: "event", buffered: true, .../** @type {object} */ ({ durationThreshold }) });
      Object.assign(window, { taps: seen });
    }, SHORTEST_EVENT_MS);
    for (const address of pages) {
      await page.goto(origin + address, { waitUntil: "networkidle0" });
      await page.emulateCPUThrottling(slowdown);
      for (const selector of tapsOn(address)) {
        const found = await page.waitForSelector(selector, { visible: true });
        await found.tap();
        if (await found.evaluate((/** @type {Element} */ { tagName }) => tagName === "INPUT"))
          await page.keyboard.type(TYPED);
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      }
      slowest[address] = await page.evaluate(() => /** @type {any} */ (window).taps.slowest);
      await page.emulateCPUThrottling(null);
    }
  } finally {
    await browser.close();
  }
  return slowest;
}

/** Home, the listing, a product of it, what is found, the cart and the checkout. @param {string} origin */
async function usualPaths(origin) {
  const [product] = /\/products\/\d+/.exec(await (await fetch(`${origin}/products`)).text()) ?? [];
  return ["/", "/products", ...(product ? [product] : []), "/search?q=lamp", "/cart", "/checkout"];
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
const method = `Median of ${RUNS} runs. A mid-tier phone is ${slowdown} times as slow as this machine; it is slowed down as much, and has slow 4G, while the page loads.`;
console.log(method);
if (slowdown < LEAST_SLOWDOWN) {
  console.error(
    `nothing is judged: below ${LEAST_SLOWDOWN} this machine is too slow or too busy to stand for a phone. Run it where two cores are free.`,
  );
  process.exit(2);
}
const taps = [];
for (let run = 0; run < RUNS; run += 1) taps.push(await tapped(origin, paths, slowdown));
for (const page of paths) {
  for (const profile of /** @type {const} */ (["mobile", "desktop"])) {
    const runs = [];
    for (let run = 0; run < RUNS; run += 1)
      runs.push({ ...(await once(origin + page, profile, slowdown)), inp: taps[run]?.[page] ?? Number.NaN });
    for (const [name, limit] of Object.entries(PROMISES[profile])) {
      if (name === "inp" && !tapsOn(page).length) continue;
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
