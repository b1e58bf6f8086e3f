/** What must not stay in a browser that somebody else may use next, or that has become somebody else's. */
import { askWorker } from "./ask-worker";
import { CACHES } from "./caches";
import { database } from "./database";
import { announce } from "./messages";

/**
 * Removes what shows prices: pages, answers and the copy of the catalogue, which the next page fetches again. Members pay
 * less, so none of it holds for whoever comes after them, nor for them what was kept before they said who they are.
 */
export async function forgetPrices(): Promise<void> {
  await forgetCopies([CACHES.pages, CACHES.api]);
  const tx = (await database()).transaction(["products", "meta"], "readwrite");
  void tx.objectStore("products").clear();
  void tx.objectStore("meta").delete("catalogueSyncedAt");
  await tx.done;
}

/**
 * Removes whatever tells of a visitor: the cart, the queue, the account's data, and what was looked at, in pages, answers
 * and pictures. The catalogue goes with it, since what was looked at is kept in it; the next page fetches it again.
 */
export async function forgetVisitor(): Promise<void> {
  const tx = (await database()).transaction(["cart", "syncQueue", "userData", "analytics"], "readwrite");
  for (const store of ["cart", "syncQueue", "userData", "analytics"] as const) void tx.objectStore(store).clear();
  await tx.done;
  await forgetCopies([CACHES.images]);
  await forgetPrices();
  sessionStorage.clear();
  announce({ type: "cart" });
  announce({ type: "queue" });
}

/** Removes caches with what the worker has noted of them: the notes have addresses and times as well. */
async function forgetCopies(names: string[]): Promise<void> {
  await askWorker({ type: "FORGET", names });
  await Promise.all(names.map((name) => caches.delete(name)));
}
