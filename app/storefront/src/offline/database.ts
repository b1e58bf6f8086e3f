/**
 * The browser's database, `simone-webshop` version 2, shared by the pages and the service worker.
 *
 * Version 1 knew products and a cart, and sent nothing by itself. Version 2 added the index by popularity, the queue of
 * writes and the stores after it; whoever comes from version 1 keeps the cart, which is queued to be sent once.
 */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames, unwrap, wrap } from "idb";
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

/** Longer than any transaction takes: whoever is waited for then is another page. */
const PATIENCE_MS = 20_000;
/** How often work is begun anew that was interrupted. */
const MOST_TRIES = 5;

let opened: Promise<Database> | undefined;
const running = new Set<IDBTransaction>();
/** How often this page was left for another, and kept as it was. */
let leavings = 0;
/** Until it is shown again. */
let away: Promise<void> | undefined;

/**
 * Does `work`, which is one transaction, and gives its result. Where the browser has closed the connection, as WebKit does
 * under pages in the background, or the page was left meanwhile, it is done anew: what was interrupted has changed nothing.
 */
export async function database<Result>(work: (db: Database) => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    await away;
    opened ??= open();
    const asked = opened;
    try {
      return await soon(asked.then(work));
    } catch (error) {
      if (!isInterruption(error) || tries === MOST_TRIES) throw error;
      if (opened === asked) letGo();
    }
  }
}

const isInterruption = (error: unknown): boolean =>
  error instanceof DOMException && ["AbortError", "InvalidStateError"].includes(error.name);

/** Ends a transaction whose requests are all made: from here on the browser finishes it, whatever becomes of the page. */
export function commit(transaction: { commit(): void; done: Promise<void> }): Promise<void> {
  transaction.commit();
  return transaction.done;
}

/** What `answer` gives; if it never comes, all that this page has begun in the database is given up. */
async function soon<Result>(answer: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const wait = (from: number): void => {
      timer = setTimeout(() => {
        // Time in which the page stood still doesn't count.
        if (from !== leavings) return wait(leavings);
        reject(new Error(`another page has held the browser's database ${DATABASE} for ${PATIENCE_MS / 1000} s`));
        letGo();
      }, PATIENCE_MS);
    };
    wait(leavings);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Undoes what this page has begun, but for what is committed. */
function interrupt(): void {
  for (const transaction of running) {
    try {
      transaction.abort();
    } catch {
      // Committed: the browser needs nobody for the rest.
    }
  }
}

/** The same, and whoever comes next opens the database anew. */
function letGo(): void {
  interrupt();
  void opened?.then(
    (db) => db.close(),
    () => undefined,
  );
  opened = undefined;
}

// WebKit freezes a page that it keeps for the way back together with its transactions, on which all other pages would wait.
globalThis.addEventListener?.("pagehide", (event) => {
  if (!(event as Event & { persisted: boolean }).persisted) return;
  leavings += 1;
  away = new Promise((resolve) => {
    const back = () => {
      away = undefined;
      resolve();
    };
    addEventListener("pageshow", back, { once: true });
  });
  interrupt();
});

function watch(transaction: IDBTransaction): IDBTransaction {
  running.add(transaction);
  // Whoever waits for one of its requests hears of its end by that.
  wrap(transaction).done.catch(() => undefined);
  for (const end of ["complete", "abort"]) transaction.addEventListener(end, () => running.delete(transaction));
  return transaction;
}

function open(): Promise<Database> {
  const opening = openDB<Schema>(DATABASE, VERSION, {
    async upgrade(db, from, _to, tx) {
      watch(unwrap(tx) as IDBTransaction);
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
  opening.then(
    (db) => {
      const raw = unwrap(db) as IDBDatabase;
      raw.transaction = (...given) => watch(IDBDatabase.prototype.transaction.apply(raw, given));
    },
    () => {
      if (opened === opening) opened = undefined;
    },
  );
  return opening;
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
