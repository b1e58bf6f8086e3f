/** The cart. The browser's copy is the one the customer sees; each change is queued for the server in the same step. */
import type { Product } from "@/shop/catalogue";
import { type CartLine, cartChange, database, lineOf } from "./database";
import { announce } from "./messages";
import { wake } from "./queue";
import { makingRoom } from "./room";

/** The most pieces of one product in a cart; the API's limit as well. */
export const MOST_PIECES = 99;

export async function cartLines(): Promise<CartLine[]> {
  const lines = await (await database()).getAll("cart");
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

/** The cart's change and the queued write are one transaction: neither is ever there without the other. */
async function change(summary: string, edit: (cart: Map<number, CartLine>) => void): Promise<void> {
  await makingRoom(() => write(summary, edit));
  announce({ type: "cart" });
  announce({ type: "queue" });
  wake();
}

async function write(summary: string, edit: (cart: Map<number, CartLine>) => void): Promise<void> {
  const tx = (await database()).transaction(["cart", "syncQueue"], "readwrite");
  const store = tx.objectStore("cart");
  const before = await store.getAll();
  const cart = new Map(before.map((line) => [line.productId, line]));
  edit(cart);
  for (const line of before) if (!cart.has(line.productId)) void store.delete(line.productId);
  for (const line of cart.values()) void store.put(line);
  void tx.objectStore("syncQueue").add(cartChange([...cart.values()], summary));
  await tx.done;
}

/** Take over the server's cart (after signing in, or after a conflict), without sending it back. */
export async function adoptCart(lines: CartLine[]): Promise<void> {
  const tx = (await database()).transaction("cart", "readwrite");
  void tx.store.clear();
  for (const line of lines) void tx.store.put(line);
  await tx.done;
  announce({ type: "cart" });
}
