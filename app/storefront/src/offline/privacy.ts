/** What must not stay in a browser that somebody else may use next, or that has become somebody else's. */
import { CACHES } from "./caches";
import { database } from "./database";
import { announce } from "./messages";

/**
 * Removes what shows prices: pages, answers and the copy of the catalogue, which the next page fetches again. Members pay
 * less, so none of it holds for whoever comes after them, nor for them what was kept before they said who they are.
 */
export async function forgetPrices(): Promise<void> {
  await Promise.all([CACHES.pages, CACHES.api].map((name) => caches.delete(name)));
  const tx = (await database()).transaction(["products", "meta"], "readwrite");
  void tx.objectStore("products").clear();
  void tx.objectStore("meta").delete("catalogueSyncedAt");
  await tx.done;
}

/** Removes the cart, the queue, the account's data and the pages that were seen; the public catalogue stays. */
export async function forgetVisitor(): Promise<void> {
  const tx = (await database()).transaction(["cart", "syncQueue", "userData", "analytics", "products"], "readwrite");
  for (const store of ["cart", "syncQueue", "userData", "analytics"] as const) void tx.objectStore(store).clear();
  // What was looked at, and when, is private as well.
  for (let cursor = await tx.objectStore("products").openCursor(); cursor; cursor = await cursor.continue()) {
    if (cursor.value.usedAt) void cursor.update({ ...cursor.value, usedAt: 0 });
  }
  await tx.done;
  await caches.delete(CACHES.pages);
  announce({ type: "cart" });
  announce({ type: "queue" });
}
