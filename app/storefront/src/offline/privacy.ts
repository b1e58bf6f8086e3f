/** What must not stay in a browser that somebody else may use next, or that has become somebody else's. Fetched when needed. */
import { askWorker } from "./ask-worker";
import { CACHES } from "./caches";
import { commit, type Database, database } from "./database";
import { announce } from "./messages";
import { isSomebodyLeft, UNFORGOTTEN } from "./visitor";

const LOCK = "simone-webshop-forgetting";
/** How long one tab waits for another that does it. */
const PATIENCE_MS = 30_000;

/**
 * Removes what shows prices: pages, answers and the copy of the catalogue, which the next page fetches again. Members pay
 * less, so none of it holds for whoever comes after them, nor for them what was kept before they said who they are.
 */
export async function forgetPrices(): Promise<void> {
  await forgetCopies([CACHES.pages, CACHES.api]);
  await empty("products");
}

/**
 * Removes whatever tells of a visitor: the cart, the queue, the account's data, and what was looked at, in pages, answers
 * and pictures. The catalogue goes with it, since what was looked at is kept in it; the next page fetches it again.
 */
export async function forgetVisitor(): Promise<void> {
  await navigator.locks.request(LOCK, { signal: AbortSignal.timeout(PATIENCE_MS) }, async () => {
    // Not what somebody else has begun since another tab has finished.
    if (!isSomebodyLeft()) return;
    await forgetCopies(Object.values(CACHES));
    await empty("products", "cart", "syncQueue", "userData", "analytics");
    localStorage.removeItem(UNFORGOTTEN);
  });
  announce({ type: "cart" });
  announce({ type: "queue" });
}

type Store = Parameters<Database["clear"]>[0];

/** Empties stores. With the copy of the catalogue goes when it was made, so that the next page makes another. */
const empty = (...stores: Store[]): Promise<void> =>
  database((db) => {
    const tx = db.transaction([...stores, "meta"], "readwrite");
    for (const store of stores) void tx.objectStore(store).clear();
    void tx.objectStore("meta").delete("catalogueSyncedAt");
    return commit(tx);
  });

/** Removes caches with what the worker has noted of them: the notes have addresses and times as well. */
async function forgetCopies(names: string[]): Promise<void> {
  await askWorker({ type: "FORGET", names });
  await Promise.all(names.map((name) => caches.delete(name)));
}
