/**
 * Looks for packages that nothing uses (depcheck), and for ones that the lock file holds more than once, which a browser
 * would then load more than once. Fails if there are any (make depcheck).
 */
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";

const DEPCHECK = "depcheck@1.4.7";
/** Used without an import: types, fonts by the path of their files, axe by the browser tests, the compiler by `npm run check`. */
const IGNORED = ["@types/*", "@fontsource*/*", "axe-core", "typescript"];
const root = path.join(import.meta.dirname, "..");

const run = spawnSync(
  "npx",
  [
    "--yes",
    DEPCHECK,
    "--json",
    `--ignores=${IGNORED.join(",")}`,
    "--ignore-path=.gitignore",
    "--ignore-patterns=checks",
  ],
  { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
);
if (!run.stdout) throw new Error(`${DEPCHECK} failed:\n${run.stderr}`);
/** @type {{ dependencies: string[], devDependencies: string[], missing: Record<string, string[]> }} */
const { dependencies, devDependencies, missing } = JSON.parse(run.stdout);

/** @type {Record<string, { version?: string }>} */
const locked = JSON.parse(await readFile(path.join(root, "package-lock.json"), "utf8")).packages;
/** @type {Map<string, string[]>} */
const copies = new Map();
for (const [where, { version }] of Object.entries(locked)) {
  const name = where.split("node_modules/").at(-1);
  if (name) copies.set(name, [...(copies.get(name) ?? []), `${version} in ${where}`]);
}

const problems = [
  ...[...dependencies, ...devDependencies].map((name) => `${name}: nothing uses it`),
  ...Object.keys(missing).map((name) => `${name}: used, but not in package.json`),
  ...[...copies]
    .filter(([, found]) => found.length > 1)
    .map(([name, found]) => `${name}: ${found.length} copies (${found.join("; ")})`),
];
console.log(
  `storefront: ${copies.size} packages, ${problems.length ? problems.length : "no"} problem${problems.length === 1 ? "" : "s"}`,
);
if (problems.length) {
  console.error(problems.map((problem) => `  ${problem}`).join("\n"));
  process.exit(1);
}
