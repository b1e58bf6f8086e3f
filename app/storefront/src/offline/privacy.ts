/** What must not stay in a browser that somebody else may use next. */
import { CACHES } from "./caches";
import { database } from "./database";
import { announce } from "./messages";

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
