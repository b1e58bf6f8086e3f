/**
 * The browser's database, `simone-webshop` version 2, shared by the pages and the service worker.
 *
 * Version 1 knew products and a cart, and sent nothing by itself. Version 2 added the index by popularity, the queue of
 * writes and the stores after it; whoever comes from version 1 keeps the cart, which is queued to be sent once.
 */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb";
import type { Category, Product } from "@/shop/catalogue";
import type { Fields } from "./merge";

export const DATABASE = "simone-webshop";
export const VERSION = 2;

/** A product in the cart, with what is needed to show it without a network. */
export interface CartLine {
  productId: number;
  quantity: number;
  name: string;
  brand: string;
  image: string;
  blurhash: string;
  /** Per piece, in minor units of `currency`, as last seen; null: not known, or not sold. The checkout asks again. */
  price: number | null;
  currency: string;
  /** The shop has said what it costs; else nobody knows yet (a cart of an earlier release). */
  asked?: boolean;
  /** What it cost, in minor units of that currency, when it was put into the cart, where that is something else. */
  seen?: { price: number; currency: string };
  /** The shop has no more than that, which is fewer than `quantity`. */
  left?: number;
  addedAt: number;
}

/** `failed`: refused, kept to be shown; `conflict`: the server holds something else, the customer decides. */
export type ChangeStatus = "pending" | "failed" | "conflict";

/** A write that hasn't been confirmed yet. Its position in the queue is `id`. */
export interface Change {
  id?: number;
  status: ChangeStatus;
  /** Sent as Idempotency-Key, so that a repeat after a lost answer changes nothing. */
  key: string;
  method: "POST" | "PUT";
  endpoint: string;
  data: unknown;
  /** Sent as If-Match: the version that it replaces. Where the shop holds another one by then, it is a conflict. */
  match?: string;
  /** Of what has several fields: what was there when the customer changed it, so that others' changes are told apart. */
  base?: Fields;
  /** Of its fields those that can be changed; undefined: all. */
  names?: string[];
  /** What the shop holds instead, where both have changed the same field. */
  theirs?: Fields;
  /** What it does, in the customer's words. */
  summary: string;
  /** Milliseconds since the epoch. */
  timestamp: number;
  attempts: number;
  problem?: string;
}

export interface StoredProduct extends Product {
  /** When the shop said so (milliseconds since the epoch); unknown for what an earlier release kept. */
  asOf?: number;
  /** When it was last looked at (milliseconds since the epoch; 0: never): what eviction goes by. */
  usedAt: number;
}

/** A measurement that couldn't be sent yet. */
export interface Measurement {
  id?: number;
  name: string;
  value: number;
  page: string;
  timestamp: number;
}

interface Schema extends DBSchema {
  products: { key: number; value: StoredProduct; indexes: { categoryId: number; popularity: number; usedAt: number } };
  cart: { key: number; value: CartLine };
  syncQueue: { key: number; value: Change; indexes: { status: ChangeStatus } };
  categories: { key: number; value: Category };
  /** Private: emptied at logout. Keys: `session`, `orders`, `addresses`, `checkout`, `fields:<endpoint>`, `version:<endpoint>`. */
  userData: { key: string; value: unknown };
  analytics: { key: number; value: Measurement };
  /** Bookkeeping of this browser: keys `catalogueSyncedAt`, `catalogueCountry`, `rolloutBucket`. */
  meta: { key: string; value: unknown };
}

export type Database = IDBPDatabase<Schema>;
export type Upgrade = IDBPTransaction<Schema, StoreNames<Schema>[], "versionchange">;

let opened: Promise<Database> | undefined;

/** The open database. Don't keep it across a wait for the network: a browser may close it under a page in the background. */
export async function database(): Promise<Database> {
  opened ??= open().catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  const asked = opened;
  const db = await asked;
  if (isOpen(db)) return db;
  if (opened === asked) opened = undefined;
  return database();
}

/** WebKit closes connections of pages in the background without a `close` event; only a transaction notices. */
function isOpen(db: Database): boolean {
  try {
    db.transaction("meta");
    return true;
  } catch {
    return false;
  }
}

function open(): Promise<Database> {
  return openDB<Schema>(DATABASE, VERSION, {
    async upgrade(db, from, _to, tx) {
      if (from < 1) {
        db.createObjectStore("products", { keyPath: "id" }).createIndex("categoryId", "categoryId");
        db.createObjectStore("cart", { keyPath: "productId" });
      }
      if (from < 2) {
        const products = tx.objectStore("products");
        products.createIndex("popularity", "popularity");
        products.createIndex("usedAt", "usedAt");
        db.createObjectStore("syncQueue", { keyPath: "id", autoIncrement: true }).createIndex("status", "status");
        db.createObjectStore("categories", { keyPath: "id" });
        db.createObjectStore("userData");
        db.createObjectStore("analytics", { keyPath: "id", autoIncrement: true });
        db.createObjectStore("meta");
        if (from === 1) await adoptVersion1(tx);
      }
    },
    // Another tab runs a newer release: get out of its way, and open again when next asked.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      opened = undefined;
    },
    terminated() {
      opened = undefined;
    },
  });
}

/** Version 1 wrote a cart's lines without the products' details, and never told the server. */
async function adoptVersion1(tx: Upgrade): Promise<void> {
  const products = tx.objectStore("products");
  for (let cursor = await products.openCursor(); cursor; cursor = await cursor.continue()) {
    await cursor.update({ ...cursor.value, usedAt: cursor.value.usedAt ?? 0 });
  }
  const cart = tx.objectStore("cart");
  for (const line of await cart.getAll()) {
    const product = await products.get(line.productId);
    await cart.put({ ...toLine(product, line.quantity), productId: line.productId });
  }
  const lines = await cart.getAll();
  if (lines.length) await tx.objectStore("syncQueue").add(cartChange(lines, "Your cart"));
}

const toLine = (product: Product | undefined, quantity: number): Omit<CartLine, "productId"> => ({
  quantity,
  name: product?.name ?? "",
  brand: product?.brand ?? "",
  image: product?.image ?? "",
  blurhash: product?.blurhash ?? "",
  price: product?.price ?? null,
  currency: product?.currency ?? "EUR",
  addedAt: Date.now(),
});

export const lineOf = (product: Product, quantity: number): CartLine => ({
  productId: product.id,
  ...toLine(product, quantity),
});

/** The whole cart as a write. Absolute quantities: sending it twice, or late, gives the same cart. */
export function cartChange(lines: CartLine[], summary: string): Change {
  return newChange(
    "PUT",
    "/api/cart",
    { items: lines.map((line) => ({ product_id: line.productId, quantity: line.quantity })) },
    summary,
  );
}

export function newChange(method: Change["method"], endpoint: string, data: unknown, summary: string): Change {
  return {
    status: "pending",
    key: crypto.randomUUID(),
    method,
    endpoint,
    data,
    summary,
    timestamp: Date.now(),
    attempts: 0,
  };
}
