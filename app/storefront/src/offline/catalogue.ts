/** The browser's copy of the catalogue, read: for browsing and searching without a network. */
import type { Category, Product } from "@/shop/catalogue";
import { type Filters, matches } from "@/shop/filters";
import { database, type StoredProduct } from "./database";
import { makingRoom } from "./room";

/** Keep a product that is being looked at, with all that its page says. A copy from here stays as old as it is. */
export async function remember(product: Product | StoredProduct): Promise<void> {
  const now = Date.now();
  const asOf = "usedAt" in product ? {} : { asOf: now };
  await makingRoom(async () => (await database()).put("products", { ...product, ...asOf, usedAt: now }));
}

export const storedProduct = async (id: number): Promise<StoredProduct | undefined> =>
  (await database()).get("products", id);

export const storedCategories = async (): Promise<Category[]> => (await database()).getAll("categories");

/** What a listing with these filters has, in its order. */
export async function storedListing(filters: Filters, sort: string): Promise<StoredProduct[]> {
  const products = await (await database()).getAll("products");
  return products.filter((product) => matches(product, filters)).sort(ORDERS[sort] ?? byPopularity);
}

/** What isn't sold here costs least: last in one order, out of the way in the other. */
const cost = (product: Product): number => product.price ?? 0;
const byPopularity = (a: Product, b: Product): number => b.popularity - a.popularity || b.id - a.id;
const ORDERS: Record<string, (a: Product, b: Product) => number> = {
  popularity: byPopularity,
  newest: (a, b) => b.createdAt.localeCompare(a.createdAt) || b.id - a.id,
  price: (a, b) => cost(a) - cost(b) || a.id - b.id,
  "-price": (a, b) => cost(b) - cost(a) || b.id - a.id,
  rating: (a, b) => b.rating - a.rating || b.id - a.id,
};

const NAME_WEIGHT = 4;
const BRAND_WEIGHT = 2;

/** Products that contain every word (as the beginning of a word), the best match first. */
export async function searchOffline(words: string): Promise<Product[]> {
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
  return scored.sort((a, b) => b.score - a.score || byPopularity(a.product, b.product)).map(({ product }) => product);
}

const terms = (value: string): string[] =>
  value
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
