/**
 * Builds the shop: drawings' version, icons, fonts → `next build` → preloads → service worker → codings → budgets. Ends in
 * `.next/standalone`, complete with `public` and `.next/static`, so that directory alone is what runs (`node server.js`).
 *
 *   node tools/build.mjs            build
 *   node tools/build.mjs --if-changed   only if an input changed since the last build here
 *   node tools/build.mjs --timed        fail too if it takes longer than the budget
 *   node tools/build.mjs --compare      build twice, without and with what the build before has kept (make build-report)
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { writeCodings } from "../src/server/codings.mjs";
import { BUILD_SAVING, BUILD_SECONDS, checkBudgets } from "./budgets.mjs";
import { writeFonts } from "./fonts.mjs";
import { writeIcons } from "./icons.mjs";
import { buildPictureMaker, writeVersion } from "./images.mjs";
import { writePreloads } from "./preloads.mjs";
import { buildWorker } from "./worker.mjs";

const root = path.join(import.meta.dirname, "..");
const policy = process.env.CACHING_POLICY ?? path.join(root, "..", "caching.yaml");
const stamp = path.join(root, ".next", "inputs.sha256");
const standalone = path.join(root, ".next", "standalone");

/** What a build is made of, besides the policy and what is installed. */
const INPUTS = [
  "src",
  "worker",
  "tools",
  "public/icons/icon.svg",
  "package-lock.json",
  "package.json",
  "next.config.ts",
  "tsconfig.json",
];
const GENERATED = "src/generated";

/** @returns {Promise<string>} */
async function fingerprint() {
  const hash = createHash("sha256")
    .update(process.version)
    .update(process.env.ASSET_PREFIX ?? "");
  /** @param {string} name */
  async function add(name) {
    if (name === GENERATED) return;
    const file = path.join(root, name);
    const entries = await readdir(file, { withFileTypes: true }).catch(() => undefined);
    if (!entries) {
      hash.update(name).update(await readFile(file));
      return;
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
      await add(path.posix.join(name, entry.name));
  }
  for (const name of INPUTS) await add(name);
  return hash.update(await readFile(policy)).digest("hex");
}

async function main() {
  if (process.argv.includes("--compare")) return await compare();
  const inputs = await fingerprint();
  if (process.argv.includes("--if-changed") && (await readFile(stamp, "utf8").catch(() => "")) === inputs) {
    console.log("storefront: nothing changed since the last build");
    return;
  }
  await checkBudgets(root, await build(), process.argv.includes("--timed"));
  await writeFile(stamp, inputs);
}

/** @param {string} [version] of the drawings, if not their own @returns {Promise<number>} seconds */
async function build(version) {
  await rm(stamp, { force: true });
  const started = performance.now();
  await writeVersion(version);
  await writeIcons(root);
  await writeFonts(root);
  const next = spawnSync(process.execPath, [path.join(root, "node_modules/next/dist/bin/next"), "build"], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
  });
  if (next.status !== 0) process.exit(next.status ?? 1);
  await writePreloads(root, process.env.ASSET_PREFIX ?? "");
  await buildWorker(root);
  await rm(path.join(standalone, "public"), { recursive: true, force: true });
  await cp(path.join(root, "public"), path.join(standalone, "public"), { recursive: true });
  await cp(path.join(root, ".next", "static"), path.join(standalone, ".next", "static"), { recursive: true });
  await writeCodings(path.join(standalone, ".next", "static"));
  await buildPictureMaker(path.join(standalone, "picture-maker.mjs"));
  // Where a read-only root has a writable directory mounted.
  await mkdir(path.join(standalone, ".next", "cache"), { recursive: true });
  return (performance.now() - started) / 1000;
}

/** The second build finds a changed module that most pages use, as a build after a commit does. */
async function compare() {
  await rm(path.join(root, ".next", "cache"), { recursive: true, force: true });
  const cold = await build("000000000000");
  const warm = await build();
  await writeFile(stamp, await fingerprint());
  const saving = 1 - warm / cold;
  console.log(
    `storefront: built in ${cold.toFixed(1)} s without and ${warm.toFixed(1)} s with the build cache: ${(100 * saving).toFixed(0)} % less (asked for: ${100 * BUILD_SAVING} %, and at most ${BUILD_SECONDS} s)`,
  );
  if (saving < BUILD_SAVING || cold > BUILD_SECONDS) process.exit(1);
}

await main();
