/**
 * Keeps what the shop stores in this browser under 50 MB. The browser's own quota is far larger and says nothing about
 * what a visitor would put up with, so the limit is on what is used.
 *
 * Thrown away first is what was least used: pictures (the caches' own order of last use), then pages and API answers,
 * then products that were looked at longest ago. Never the cart, never a write that isn't sent.
 */
import { CacheExpiration } from "workbox-expiration";
import { CACHES } from "./caches";
import { database } from "./database";
import { announce } from "./messages";

export const LIMIT_BYTES = 50 * 1024 * 1024;
/** How much of a store goes in one step, and how many products. */
const STEP = 0.25;
const PRODUCTS_STEP = 100;

/** Bytes that all stores of this origin use; where the browser doesn't tell (WebKitGTK), those of the caches. */
export async function usage(): Promise<number> {
  return (await navigator.storage?.estimate?.())?.usage ?? cachedBytes();
}

/** All that grows with what a visitor looks at. Not the catalogue, which has 3 MB. */
async function cachedBytes(): Promise<number> {
  let bytes = 0;
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) bytes += (await (await cache.match(request))?.blob())?.size ?? 0;
  }
  return bytes;
}

/** Make room if there is need; true if anything was thrown away, of which the visitor is told. */
export async function keepWithinQuota(limit = LIMIT_BYTES): Promise<boolean> {
  let evicted = false;
  while ((await usage()) > limit) {
    if (!(await evictSome())) break;
    evicted = true;
  }
  if (evicted) announce({ type: "evicted" });
  return evicted;
}

/** One step, for a write that the browser has no room for; false if there is nothing left to throw away. */
export async function makeRoom(): Promise<boolean> {
  const evicted = await evictSome();
  if (evicted) announce({ type: "evicted" });
  return evicted;
}

async function evictSome(): Promise<boolean> {
  for (const name of [CACHES.images, CACHES.pages, CACHES.api]) {
    const cache = await caches.open(name);
    const entries = (await cache.keys()).length;
    if (!entries) continue;
    const keep = Math.floor(entries * (1 - STEP));
    if (keep) await new CacheExpiration(name, { maxEntries: keep }).expireEntries();
    // What Workbox has no time of use for: the oldest first, so that each step frees something.
    const left = await cache.keys();
    await Promise.all(left.slice(0, Math.max(0, left.length - keep)).map((request) => cache.delete(request)));
    return true;
  }
  return evictProducts();
}

async function evictProducts(): Promise<boolean> {
  return database(async (db) => {
    const tx = db.transaction("products", "readwrite");
    let left = PRODUCTS_STEP;
    const index = tx.store.index("usedAt");
    for (let cursor = await index.openCursor(); cursor && left > 0; cursor = await cursor.continue()) {
      await cursor.delete();
      left -= 1;
    }
    await tx.done;
    return left < PRODUCTS_STEP;
  });
}
