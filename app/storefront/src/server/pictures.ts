/**
 * Product pictures: drawn, encoded and kept on this pod's disk.
 *
 * The best format takes up to half a second of a core, which pages need too. What isn't kept yet is therefore drawn at once
 * in a format that takes a tenth of that, for this one response, and made well by a process of its own meanwhile.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import images from "../generated/images.json";
import type { Design } from "../images/designs";
import { type Format, quick } from "../images/render";
import type { View } from "../shop/image-views";
import type { Made, Wanted } from "./picture-maker";

/** Of the volume that is mounted at `.next/cache`: components/storefront/settings.py. */
const MOST_BYTES = 768 * 1024 * 1024;
/** Quick ones that a process draws at the same time; the others wait their turn. */
const MOST_AT_ONCE = 2;
/** Whoever comes after so many is asked to come again. */
const MOST_WAITING = 200;
/** Quick ones in memory, in bytes: while the best one is made, everybody is shown the same. */
const MOST_QUICK_BYTES = 8 * 1024 * 1024;
/** Pictures that wait to be made well; what isn't taken is taken when it is asked for again. */
const MOST_WANTED = 1_000;

const DIRECTORY = path.join(process.cwd(), ".next", "cache", "pictures");
const MAKER = path.join(
  process.cwd(),
  process.env.NODE_ENV === "production" ? "." : "src/generated",
  "picture-maker.mjs",
);

export interface Picture {
  bytes: Uint8Array;
  format: Format;
  /** As good as it gets; else it is for this response alone. */
  best: boolean;
}

/** Bytes of each file that is kept, the one that was used longest ago first. */
let kept: Promise<Map<string, number>> | undefined;
let keptBytes = 0;

async function openStore(): Promise<Map<string, number>> {
  await mkdir(DIRECTORY, { recursive: true });
  const found: { file: string; size: number; usedAt: number }[] = [];
  for (const file of await readdir(DIRECTORY)) {
    const { size, mtimeMs } = await stat(path.join(DIRECTORY, file));
    // Of a release that drew otherwise, or of a process that was killed while it wrote.
    if (!file.startsWith(`${images.version}-`)) await rm(path.join(DIRECTORY, file), { force: true });
    else found.push({ file, size, usedAt: mtimeMs });
  }
  keptBytes = found.reduce((sum, { size }) => sum + size, 0);
  return new Map(found.sort((a, b) => a.usedAt - b.usedAt).map(({ file, size }) => [file, size]));
}

function store(): Promise<Map<string, number>> {
  kept ??= openStore().catch((error: unknown) => {
    kept = undefined;
    throw error;
  });
  return kept;
}

/** The picture; undefined while more are asked for than can be drawn. */
export async function picture(design: Design, view: View, width: number, format: Format): Promise<Picture | undefined> {
  const name = `${design.kind}-${design.colour}-${design.variation}-${view}-${width}`;
  const key = `${images.version}-${name}.${format}`;
  const files = await store();
  const size = files.get(key);
  if (size !== undefined) {
    files.delete(key);
    files.set(key, size);
    const bytes = await readFile(path.join(DIRECTORY, key)).catch(() => undefined);
    if (bytes) return { bytes, format, best: true };
    files.delete(key);
    keptBytes -= size;
  }
  makeWell({ key, design, view, width, format });
  const instead = format === "avif" ? "webp" : format;
  const drawn = await drawQuickly(`${name}.${instead}`, () => quick(design, view, width, instead));
  return drawn && { bytes: drawn, format: instead, best: false };
}

const quickOnes = new Map<string, Uint8Array>();
const drawing = new Map<string, Promise<Uint8Array>>();
const waiting: (() => void)[] = [];
let quickBytes = 0;
let busy = 0;

async function drawQuickly(key: string, draw: () => Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  const known = quickOnes.get(key);
  if (known) return known;
  let drawn = drawing.get(key);
  if (!drawn) {
    if (waiting.length >= MOST_WAITING) return undefined;
    drawn = inTurn(draw).finally(() => drawing.delete(key));
    drawing.set(key, drawn);
    const bytes = await drawn;
    quickOnes.set(key, bytes);
    quickBytes += bytes.length;
    for (const [oldest, { length }] of quickOnes) {
      if (quickBytes <= MOST_QUICK_BYTES) break;
      quickOnes.delete(oldest);
      quickBytes -= length;
    }
  }
  return await drawn;
}

async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  if (busy >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else busy += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else busy -= 1;
  }
}

const wanted = new Set<string>();
let maker: ChildProcess | undefined;

function makeWell(picture: Wanted): void {
  if (wanted.has(picture.key) || wanted.size >= MOST_WANTED) return;
  wanted.add(picture.key);
  maker ??= startMaker();
  maker.send(picture, (error) => {
    if (error) wanted.delete(picture.key);
  });
}

function startMaker(): ChildProcess {
  // Not `fork`, whose path Turbopack takes for an import (vercel/next.js#97952).
  const child = spawn(process.execPath, [MAKER], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  child.on("message", (made: Made) => {
    keep(made)
      .catch((error: unknown) => console.error(`picture ${made.key} isn't kept:`, error))
      .finally(() => wanted.delete(made.key));
  });
  const gone = (reason: unknown) => {
    if (maker !== child) return;
    console.error("the process that makes pictures has ended; the next picture starts another:", reason);
    maker = undefined;
    wanted.clear();
  };
  child.on("error", gone);
  child.on("exit", (code, signal) => gone(signal ?? code));
  // A server that is stopped doesn't wait for it.
  child.unref();
  child.channel?.unref();
  return child;
}

async function keep({ key, picture: bytes, problem }: Made): Promise<void> {
  if (!bytes) throw new Error(problem);
  const files = await store();
  const file = path.join(DIRECTORY, key);
  // Readers see all of it or nothing.
  const unfinished = path.join(DIRECTORY, `new-${key}`);
  await writeFile(unfinished, bytes);
  await rename(unfinished, file);
  files.set(key, bytes.length);
  keptBytes += bytes.length;
  for (const [oldest, size] of files) {
    if (keptBytes <= MOST_BYTES) break;
    files.delete(oldest);
    keptBytes -= size;
    await rm(path.join(DIRECTORY, oldest), { force: true });
  }
}
