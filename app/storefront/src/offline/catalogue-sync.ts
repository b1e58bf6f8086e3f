/** Fetches the browser's copy of the catalogue: the most popular products. Runs in the worker alone. */
import { type Category, type Product, toCategory, toPage, toProduct } from "@/shop/catalogue";
import { inCountry } from "@/shop/country";
import { type Database, database } from "./database";
import { announce } from "./messages";
import { keepWithinQuota } from "./quota";

/** How many products are kept; the specification's 1,000 use about 3 MB. */
const KEPT = 1_000;
/** A copy younger than this is good enough. */
const FRESH_MS = 15 * 60_000;

/**
 * Fetch the catalogue, unless that was done lately. Runs in the worker, whose own requests pass none of its caches: a
 * stale answer would look like a success. `no-cache`: the browser's copy is used only if the server says so. Prices are those
 * of `country`, where one is chosen; a copy for another one is replaced whole, as two currencies make no order of prices.
 */
export async function syncCatalogue(country = "", now = Date.now()): Promise<void> {
  const syncedAt = await database((db) => db.get("meta", "catalogueSyncedAt"));
  const same = ((await database((db) => db.get("meta", "catalogueCountry"))) ?? "") === country;
  if (same && typeof syncedAt === "number" && now - syncedAt < FRESH_MS) return;

  const categories = toPage(await fetchJson("/api/categories"), toCategory).items;
  const query = new URLSearchParams({ sort: "popularity", limit: String(KEPT) });
  const listing = await fetchJson(inCountry(`/api/products?${query}`, country));
  const products = toPage(listing, toProduct).items;

  await database((db) => store(db, categories, products, country, same, now));
  announce({ type: "catalogue" });
  await keepWithinQuota();
}

async function fetchJson(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(path, { cache: "no-cache", headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
}

async function store(
  db: Database,
  categories: Category[],
  products: Product[],
  country: string,
  same: boolean,
  now: number,
): Promise<void> {
  const tx = db.transaction(["products", "categories", "meta"], "readwrite");
  const shelf = tx.objectStore("products");
  const before = new Map((await shelf.getAll()).map((product) => [product.id, product]));
  if (!same) {
    void shelf.clear();
    for (const [id, { currency }] of before) if (currency !== products[0]?.currency) before.delete(id);
    for (const product of before.values()) void shelf.put(product);
  }
  const names = new Map(categories.map((category) => [category.id, category.name]));
  for (const product of products) {
    const known = before.get(product.id);
    before.delete(product.id);
    void shelf.put({
      ...product,
      // Listings leave out what only a product's own page says; what was read there is kept.
      description: product.description || known?.description || "",
      categoryName: product.categoryName || names.get(product.categoryId) || "",
      usedAt: known?.usedAt ?? 0,
      asOf: now,
    });
  }
  // No longer among the most popular and never looked at: gone, perhaps from the shop as well.
  for (const left of before.values()) if (!left.usedAt) void shelf.delete(left.id);
  const shelves = tx.objectStore("categories");
  void shelves.clear();
  for (const category of categories) void shelves.put(category);
  void tx.objectStore("meta").put(now, "catalogueSyncedAt");
  void tx.objectStore("meta").put(country, "catalogueCountry");
  await tx.done;
}
