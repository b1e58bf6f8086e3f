/** The browser's copy of the catalogue: the most popular products, for browsing and searching without a network. */
import { type Category, type Product, toCategory, toPage, toProduct } from "@/shop/catalogue";
import { database, type StoredProduct } from "./database";
import { announce } from "./messages";
import { keepWithinQuota } from "./quota";

/** How many products are kept; the specification's 1,000 use about 3 MB. */
const KEPT = 1_000;
/** A copy younger than this is good enough. */
const FRESH_MS = 15 * 60_000;

/**
 * Fetch the catalogue, unless that was done lately. Runs in the worker, whose own requests pass none of its caches: a
 * stale answer would look like a success. `no-cache`: the browser's copy is used only if the server says so.
 */
export async function syncCatalogue(now = Date.now()): Promise<void> {
  const db = await database();
  const syncedAt = await db.get("meta", "catalogueSyncedAt");
  if (typeof syncedAt === "number" && now - syncedAt < FRESH_MS) return;

  const categories = toPage(await fetchJson("/api/categories"), toCategory).items;
  const listing = await fetchJson(`/api/products?${new URLSearchParams({ sort: "popularity", limit: String(KEPT) })}`);
  const products = toPage(listing, toProduct).items;

  await store(categories, products, now);
  announce({ type: "catalogue" });
  await keepWithinQuota();
}

async function fetchJson(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(path, { cache: "no-cache", headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
}

async function store(categories: Category[], products: Product[], now: number): Promise<void> {
  const tx = (await database()).transaction(["products", "categories", "meta"], "readwrite");
  const shelf = tx.objectStore("products");
  const before = new Map((await shelf.getAll()).map((product) => [product.id, product]));
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
    });
  }
  // No longer among the most popular and never looked at: gone, perhaps from the shop as well.
  for (const left of before.values()) if (!left.usedAt) void shelf.delete(left.id);
  const shelves = tx.objectStore("categories");
  void shelves.clear();
  for (const category of categories) void shelves.put(category);
  void tx.objectStore("meta").put(now, "catalogueSyncedAt");
  await tx.done;
}

/** Keep a product that is being looked at, with all that its page says. */
export async function remember(product: Product): Promise<void> {
  await (await database()).put("products", { ...product, usedAt: Date.now() });
}

export const storedProduct = async (id: number): Promise<StoredProduct | undefined> =>
  (await database()).get("products", id);

export const storedCategories = async (): Promise<Category[]> => (await database()).getAll("categories");

/** Products of a category (all without one), in the order of a listing. */
export async function storedListing(categoryId: number | undefined, sort: string): Promise<StoredProduct[]> {
  const db = await database();
  const products =
    categoryId === undefined
      ? await db.getAllFromIndex("products", "popularity")
      : await db.getAllFromIndex("products", "categoryId", categoryId);
  return products.sort(ORDERS[sort] ?? byPopularity);
}

const byPopularity = (a: Product, b: Product): number => b.popularity - a.popularity || b.id - a.id;
const ORDERS: Record<string, (a: Product, b: Product) => number> = {
  popularity: byPopularity,
  newest: (a, b) => b.createdAt.localeCompare(a.createdAt) || b.id - a.id,
  price: (a, b) => a.price - b.price || a.id - b.id,
  "-price": (a, b) => b.price - a.price || b.id - a.id,
  rating: (a, b) => b.rating - a.rating || b.id - a.id,
};

const NAME_WEIGHT = 4;
const BRAND_WEIGHT = 2;

/** Products that contain every word (as the beginning of a word), the best match first. */
export async function searchOffline(words: string, limit: number): Promise<Product[]> {
  const wanted = terms(words);
  if (!wanted.length) return [];
  const scored: { product: Product; score: number }[] = [];
  for (const product of await (await database()).getAll("products")) {
    const name = terms(product.name);
    const brand = terms(product.brand);
    const rest = terms(`${product.categoryName} ${product.description}`);
    let score = 0;
    for (const word of wanted) {
      const starts = (term: string) => term.startsWith(word);
      const weight = name.some(starts) ? NAME_WEIGHT : brand.some(starts) ? BRAND_WEIGHT : rest.some(starts) ? 1 : 0;
      if (!weight) {
        score = 0;
        break;
      }
      score += weight;
    }
    if (score) scored.push({ product, score });
  }
  return scored
    .sort((a, b) => b.score - a.score || byPopularity(a.product, b.product))
    .slice(0, limit)
    .map(({ product }) => product);
}

const terms = (value: string): string[] =>
  value
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
