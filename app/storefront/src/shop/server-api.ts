/**
 * What the pages ask the API for, on the server, through Next's data cache.
 *
 * The address is read when it is needed, not when the shop is built: one build serves every environment. Tags are
 * those of `app/caching.yaml`, so the invalidation worker's webhook names what it throws away in the same words.
 * What members pay is asked for with their session, each time, and kept nowhere.
 */
import { cookies } from "next/headers";
import { notFound } from "next/navigation";
import { cache } from "react";
import {
  type Category,
  type FirstReviews,
  type Matches,
  type Page,
  type Product,
  toCategory,
  toFirstReviews,
  toMatches,
  toPage,
  toProduct,
} from "./catalogue";
import { apiQuery, type Facets, type Filters, searchQuery, toFacets } from "./filters";
import type { Market } from "./market";

/** Seconds after which a page is made anew without being asked to (ISR). */
const REVALIDATE_SECONDS = 3600;
/** A page must not hang on an API that takes connections and never answers. */
const TIMEOUT_MS = 5_000;
/** The visitor's session, and the mark that keeps a member's answers out of shared caches. */
const SESSION_COOKIES = ["__Host-sid", "sid", "tier"];

type Json = Record<string, unknown>;

export function apiUrl(): string {
  const url = process.env.API_URL;
  if (!url) throw new Error("API_URL is not set: it must be the API's address, such as http://api:3000");
  return url.replace(/\/$/, "");
}

async function get(path: string, market: Market, tags: string[]): Promise<Json> {
  const headers = { accept: "application/json", "x-country": market.countries[0] ?? "" };
  const response = await fetch(`${apiUrl()}${path}`, {
    ...(market.member
      ? { headers: { ...headers, cookie: await sessionCookies() }, cache: "no-store" as const }
      : { headers, next: { revalidate: REVALIDATE_SECONDS, tags } }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status === 404) notFound();
  if (!response.ok) throw new Error(`the API answered ${response.status} to GET ${path}`);
  return (await response.json()) as Json;
}

async function sessionCookies(): Promise<string> {
  const jar = await cookies();
  return SESSION_COOKIES.flatMap((name) => jar.get(name) ?? [])
    .map(({ name, value }) => `${name}=${value}`)
    .join("; ");
}

/** What says no price is the same for members as for everybody. */
const shared = ({ member: _, ...market }: Market): Market => market;

export async function categories(market: Market): Promise<Category[]> {
  return toPage(await get("/api/categories", shared(market), ["categories", "page-categories"]), toCategory).items;
}

/** How many of the most wanted products are looked through for one of each category; as many as a browser keeps. */
const LOOKED_THROUGH = 1_000;

/** The most wanted product of each category, by the category's id. It illustrates, so no change of a product makes it anew. */
export async function favourites(market: Market): Promise<Map<number, Product>> {
  const query = new URLSearchParams({ sort: "popularity", limit: String(LOOKED_THROUGH) });
  const { items } = toPage(await get(`/api/products?${query}`, shared(market), ["page-categories"]), toProduct);
  return new Map(items.toReversed().map((product) => [product.categoryId, product]));
}

export interface Listing {
  categoryId?: number;
  filters?: Filters;
  sort: string;
  limit: number;
  /** Where the page before ended. */
  cursor?: string;
}

export async function products(market: Market, listing: Listing): Promise<Page<Product>> {
  const query = queryOf(listing);
  query.set("sort", listing.sort);
  query.set("limit", String(listing.limit));
  if (listing.cursor) query.set("cursor", listing.cursor);
  const page = toPage(
    await get(`/api/products?${query}`, market, ["products", ...tagsOf(listing.categoryId)]),
    toProduct,
  );
  return { ...page, items: page.items.map((item) => shown(item, market)) };
}

const queryOf = ({ categoryId, filters = {} }: Pick<Listing, "categoryId" | "filters">): URLSearchParams =>
  apiQuery(categoryId === undefined ? filters : { ...filters, category: categoryId });

const SEARCH_TAG = "page-search";

const tagsOf = (categoryId: number | undefined): string[] =>
  categoryId === undefined ? ["page-home", "page-products"] : [`page-category:${categoryId}`, "pages-category"];

/** What a search finds first, and what it can be narrowed down to: as the browser asks for more of it. */
export async function search(
  market: Market,
  words: string,
  filters: Filters,
  limit: number,
): Promise<Matches & { facets?: Facets }> {
  const query = searchQuery(words, filters);
  const narrowed = facetsOf(query, market, [SEARCH_TAG]);
  const found = toMatches(await get(`/api/search?${query}&limit=${limit}`, market, ["products", SEARCH_TAG]));
  const facets = await narrowed;
  return { ...found, products: found.products.map((item) => shown(item, market)), ...(facets ? { facets } : {}) };
}

/** What the listing can be narrowed down to. */
export const facets = (market: Market, listing: Pick<Listing, "categoryId" | "filters">): Promise<Facets | undefined> =>
  facetsOf(queryOf(listing), market, tagsOf(listing.categoryId));

/** Without an answer there is less to choose from, and the page is there. */
const facetsOf = (query: URLSearchParams, market: Market, tags: string[]): Promise<Facets | undefined> =>
  get(`/api/facets?${query}`, market, ["facets", ...tags])
    .then(toFacets)
    .catch(() => undefined);

/**
 * To a member without what a picture shows before it is there: a style of its own, which no policy of a single answer can
 * name.
 */
const shown = (product: Product, market: Market): Product => (market.member ? { ...product, blurhash: "" } : product);

/** Asked for once a page, although its title and its body both need it. */
export const product = cache(async (market: Market, id: number): Promise<Product> => {
  const found = toProduct(
    await get(`/api/products/${id}`, market, [`product:${id}`, `page-product:${id}`, "catalogue", "pages-product"]),
  );
  return shown(found, market);
});

export async function reviews(market: Market, productId: number): Promise<FirstReviews> {
  return toFirstReviews(await get(`/api/reviews/${productId}`, shared(market), [`reviews:${productId}`, "catalogue"]));
}
