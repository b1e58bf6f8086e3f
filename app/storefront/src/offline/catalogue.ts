/** The browser's copy of the catalogue, read: for browsing and searching without a network. */
import type { Category, Product } from "@/shop/catalogue";
import { type Filters, matches } from "@/shop/filters";
import { database, type StoredProduct } from "./database";
import { makingRoom } from "./room";

/** Keep a product that is being looked at, with all that its page says. A copy from here stays as old as it is. */
export async function remember(product: Product | StoredProduct): Promise<void> {
  const now = Date.now();
  const asOf = "usedAt" in product ? {} : { asOf: now };
  await makingRoom(() => database((db) => db.put("products", { ...product, ...asOf, usedAt: now })));
}

export const storedProduct = (id: number): Promise<StoredProduct | undefined> =>
  database((db) => db.get("products", id));

export const storedCategories = (): Promise<Category[]> => database((db) => db.getAll("categories"));

/** What a listing with these filters has, in its order. */
export async function storedListing(filters: Filters, sort: string): Promise<StoredProduct[]> {
  const products = await database((db) => db.getAll("products"));
  return inOrder(
    products.filter((product) => matches(product, filters)),
    sort,
  );
}

/** As a listing has them; an order that isn't known is that of popularity. */
export const inOrder = <Item extends Product>(products: Item[], sort: string): Item[] =>
  products.toSorted(ORDERS[sort] ?? byPopularity);

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

export interface Stored {
  products: Product[];
  /** Nothing has all of the words: these have names like them. */
  similar: boolean;
}

/**
 * Products that contain every word (as the beginning of a word), the best match first; where none does, those whose names
 * are a typing error away. Undefined: nothing is kept here to search in.
 */
export async function searchOffline(words: string): Promise<Stored | undefined> {
  const all = await database((db) => db.getAll("products"));
  if (!all.length) return undefined;
  const wanted = terms(words);
  if (!wanted.length) return { products: [], similar: false };
  const products = containing(all, wanted);
  if (products.length) return { products, similar: false };
  const alike = all.filter(({ name }) => {
    const there = terms(name);
    return wanted.every((word) => there.some((term) => isNear(word, term)));
  });
  return { products: alike.sort(byPopularity), similar: true };
}

function containing(products: Product[], wanted: string[]): Product[] {
  const scored: { product: Product; score: number }[] = [];
  for (const product of products) {
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

/** Letters of a word to each that may be wrong. */
const LETTERS_FOR_AN_ERROR = 4;

/** Whether `word` begins as `term` does but for a typing error or two: letters that are wrong, missing, added or swapped. */
function isNear(word: string, term: string): boolean {
  const allowed = Math.floor(word.length / LETTERS_FOR_AN_ERROR);
  if (!allowed) return term.startsWith(word);
  let before: number[] = [];
  let row = Array.from({ length: term.length + 1 }, (_, column) => column);
  for (let at = 1; at <= word.length; at += 1) {
    const next = [at];
    for (let column = 1; column <= term.length; column += 1) {
      const same = word[at - 1] === term[column - 1];
      const swapped = at > 1 && column > 1 && word[at - 1] === term[column - 2] && word[at - 2] === term[column - 1];
      next[column] = Math.min(
        (row[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (row[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = row;
    row = next;
  }
  return Math.min(...row) <= allowed;
}

const terms = (value: string): string[] =>
  value
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
