/** The cart. The browser's copy is the one the customer sees; each change is queued for the server in the same step. */
import type { Product } from "@/shop/catalogue";
import { type CartLine, cartChange, commit, type Database, database, lineOf } from "./database";
import { announce } from "./messages";
import { makingRoom } from "./room";
import { whoIsHere } from "./visitor";

/** The most pieces of one product in a cart; the API's limit as well. */
export const MOST_PIECES = 99;

export async function cartLines(): Promise<CartLine[]> {
  const lines = await database((db) => db.getAll("cart"));
  return lines.sort((a, b) => a.addedAt - b.addedAt);
}

export const addToCart = (product: Product, pieces = 1): Promise<void> =>
  change(`${product.name} in your cart`, (cart) => {
    const line = cart.get(product.id);
    const quantity = Math.min((line?.quantity ?? 0) + pieces, MOST_PIECES);
    cart.set(product.id, { ...lineOf(product, quantity), addedAt: line?.addedAt ?? Date.now() });
  });

export const setQuantity = (line: CartLine, quantity: number): Promise<void> =>
  change(`${quantity} × ${line.name}`, (cart) => {
    const current = cart.get(line.productId);
    if (current) cart.set(line.productId, { ...current, quantity: Math.max(1, Math.min(quantity, MOST_PIECES)) });
  });

export const removeFromCart = (line: CartLine): Promise<void> =>
  change(`${line.name} removed`, (cart) => {
    cart.delete(line.productId);
  });

/** Put a line back where it was. */
export const restoreLine = (line: CartLine): Promise<void> =>
  change(`${line.name} in your cart`, (cart) => {
    if (!cart.has(line.productId)) cart.set(line.productId, line);
  });

/** The cart's change and the queued write are one transaction: neither is ever there without the other. */
async function change(summary: string, edit: (cart: Map<number, CartLine>) => void): Promise<void> {
  await whoIsHere();
  await makingRoom(() => database((db) => write(db, summary, edit)));
  announce({ type: "cart" });
  announce({ type: "queue" });
  // Whatever becomes of this, the change is queued: the next page, or the next connection, sends it.
  void import("./queue").then(({ wake }) => wake()).catch(() => undefined);
}

async function write(db: Database, summary: string, edit: (cart: Map<number, CartLine>) => void): Promise<void> {
  const tx = db.transaction(["cart", "syncQueue"], "readwrite");
  const store = tx.objectStore("cart");
  const before = await store.getAll();
  const cart = new Map(before.map((line) => [line.productId, line]));
  edit(cart);
  for (const line of before) if (!cart.has(line.productId)) void store.delete(line.productId);
  for (const line of cart.values()) void store.put(line);
  void tx.objectStore("syncQueue").add(cartChange([...cart.values()], summary));
  await commit(tx);
}

/** Today's name, price and stock of the lines, from the server; which ones there are stays as it is here. */
export async function refreshLines(lines: CartLine[]): Promise<void> {
  await database(async (db) => {
    const tx = db.transaction("cart", "readwrite");
    for (const { quantity: _quantity, addedAt: _addedAt, left, ...today } of lines) {
      const kept = await tx.store.get(today.productId);
      if (!kept) continue;
      const { left: _left, seen: _seen, ...line } = kept;
      const few = left !== undefined && left < line.quantity ? { left } : {};
      void tx.store.put({ ...line, ...today, ...few, ...seenBefore(kept, today) });
    }
    await tx.done;
  });
  announce({ type: "cart" });
}

/** What the customer saw when they put the line into the cart, where it costs something else today. */
function seenBefore(kept: CartLine, today: Pick<CartLine, "price" | "currency">): Pick<CartLine, "seen"> {
  const seen = kept.seen ?? (kept.price === null ? undefined : { price: kept.price, currency: kept.currency });
  return seen && (seen.price !== today.price || seen.currency !== today.currency) ? { seen } : {};
}

/** Send the whole cart once more: the shop may have lost a guest's, whose visit has ended there. */
export async function sendCart(): Promise<void> {
  if ((await cartLines()).length) await change("Your cart", () => undefined);
}

/** Take what was ordered out of the cart. What was added meanwhile stays, and the server hears of it. */
export async function forgetOrdered(ordered: Pick<CartLine, "productId" | "quantity">[]): Promise<void> {
  const pieces = new Map(ordered.map((line) => [line.productId, line.quantity]));
  const kept = (await cartLines())
    .map((line) => ({ ...line, quantity: line.quantity - (pieces.get(line.productId) ?? 0) }))
    .filter((line) => line.quantity > 0);
  const queued = await database((db) => db.getAll("syncQueue"));
  if (!kept.length && !queued.some((change) => change.endpoint === "/api/cart")) return adoptCart([]);
  return change("What’s left in your cart", (cart) => {
    cart.clear();
    for (const line of kept) cart.set(line.productId, line);
  });
}

/** Take over the server's cart (after signing in, or after a conflict), without sending it back. */
export async function adoptCart(lines: CartLine[]): Promise<void> {
  await database(async (db) => {
    const tx = db.transaction("cart", "readwrite");
    const kept = new Map((await tx.store.getAll()).map((line) => [line.productId, line]));
    void tx.store.clear();
    for (const line of lines) {
      const before = kept.get(line.productId);
      void tx.store.put({ ...line, ...(before ? seenBefore(before, line) : {}) });
    }
    await commit(tx);
  });
  announce({ type: "cart" });
}
