/**
 * The catalogue as the shop handles it, and its translation from the API's JSON.
 *
 * The API speaks snake_case and whole minor units (cents); everything behind this module is camelCase, also what
 * lies in IndexedDB, whose index names (`categoryId`, `popularity`) the specification gives.
 */

export interface Category {
  id: number;
  slug: string;
  name: string;
  department: string;
  description: string;
}

export interface Product {
  id: number;
  slug: string;
  name: string;
  brand: string;
  description: string;
  categoryId: number;
  /** Empty where the answer doesn't say (listings). */
  categoryName: string;
  /** In minor units of `currency`; null: not sold in it. */
  price: number | null;
  currency: string;
  popularity: number;
  /** 0 to 5, 0 where nobody has reviewed it. */
  rating: number;
  ratingCount: number;
  image: string;
  blurhash: string;
  /** Pieces in all warehouses. */
  stock: number;
  createdAt: string;
  updatedAt: string;
}

export interface Review {
  id: number;
  rating: number;
  title: string;
  body: string;
  author: string;
  /** Whether the author had bought the product here. */
  verified: boolean;
  createdAt: string;
}

export interface Page<Item> {
  items: Item[];
  /** Opaque; undefined on the last page. */
  next?: string;
}

/** The first page of a product's reviews. */
export interface FirstReviews extends Page<Review> {
  /** How many of all reviews have one star to five. */
  byStars: number[];
}

type Json = Record<string, unknown>;

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => {
  const parsed = typeof value === "string" ? Number(value) : value;
  return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : 0;
};

const amount = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

export function toCategory(json: Json): Category {
  return {
    id: number(json.id),
    slug: text(json.slug),
    name: text(json.name),
    department: text(json.department),
    description: text(json.description),
  };
}

export function toProduct(json: Json): Product {
  return {
    id: number(json.id),
    slug: text(json.slug),
    name: text(json.name),
    brand: text(json.brand),
    description: text(json.description),
    categoryId: number(json.category_id),
    categoryName: text(json.category_name),
    price: amount(json.price),
    currency: text(json.currency) || "EUR",
    popularity: number(json.popularity),
    rating: number(json.rating_average),
    ratingCount: number(json.rating_count),
    image: text(json.image),
    blurhash: text(json.image_blurhash),
    stock: number(json.stock),
    createdAt: text(json.created_at),
    updatedAt: text(json.updated_at),
  };
}

export function toReview(json: Json): Review {
  return {
    id: number(json.id),
    rating: number(json.rating),
    title: text(json.title),
    body: text(json.body),
    author: text(json.author) || "A customer",
    verified: json.verified === true,
    createdAt: text(json.created_at),
  };
}

/** A listing's JSON, `{items: […], next_cursor: "…" | null}`, as a page of what `convert` makes of each item. */
export function toPage<Item>(json: Json, convert: (item: Json) => Item): Page<Item> {
  const items = Array.isArray(json.items) ? (json.items as Json[]).map(convert) : [];
  const next = text(json.next_cursor);
  return next ? { items, next } : { items };
}

/** What was found. */
export interface Matches {
  products: Product[];
  /** How many there are. */
  total: number;
  /** Nothing has all of the words: these have names like them. */
  similar: boolean;
}

export const toMatches = (json: Json): Matches => ({
  products: toPage(json, toProduct).items,
  total: Number(json.total),
  similar: json.similar === true,
});

export function toFirstReviews(json: Json): FirstReviews {
  const byStars = Array.isArray(json.by_stars) ? json.by_stars.map(number) : [];
  return { ...toPage(json, toReview), byStars };
}
