/** What the pages ask the API for from the browser, same origin: through the service worker's caches where they apply. */
import {
  type Matches,
  type Page,
  type Product,
  type Review,
  toMatches,
  toPage,
  toProduct,
  toReview,
} from "./catalogue";
import { priced } from "./country";
import { apiQuery, type Facets, type Filters, searchQuery, toFacets } from "./filters";

type Json = Record<string, unknown>;

/** An answer that isn't a success; `message` is fit for the customer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The problem document (RFC 9457), where the shop sent one. */
    readonly problem: Json = {},
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 10_000;
const NO_CONTENT = 204;

export async function request(
  method: string,
  path: string,
  data?: unknown,
  headers: Record<string, string> = {},
): Promise<Json> {
  const response = await fetch(path, {
    method,
    // Not the browser's own copy without asking: a member's prices have the same addresses as everybody's.
    cache: "no-cache",
    headers: {
      accept: "application/json",
      ...(data === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(data === undefined ? {} : { body: JSON.stringify(data) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  // An answer without a body (204) may name a type all the same.
  const told = response.status !== NO_CONTENT && response.headers.get("content-type")?.includes("json");
  const answer: unknown = told ? await response.json() : {};
  const json = (answer && typeof answer === "object" ? answer : {}) as Json;
  if (!response.ok) {
    const detail = typeof json.detail === "string" ? json.detail : `The shop answered ${response.status}.`;
    throw new ApiError(response.status, detail, json);
  }
  return json;
}

/** Which version of a thing an answer tells of. Whoever compresses it on the way weakens its ETag, which still names the version. */
export const versionIn = (response: Response): string | null =>
  response.headers.get("etag")?.replace(/^W\//, "") ?? null;

export interface WantedPage {
  filters: Filters;
  sort?: string;
  limit?: number;
  cursor?: string | undefined;
}

export async function fetchProducts({ filters, sort, limit, cursor }: WantedPage): Promise<Page<Product>> {
  const query = apiQuery(filters);
  if (sort) query.set("sort", sort);
  if (limit) query.set("limit", String(limit));
  if (cursor) query.set("cursor", cursor);
  return toPage(await request("GET", priced(`/api/products?${query}`)), toProduct);
}

export async function fetchReviews(productId: number, cursor?: string): Promise<Page<Review>> {
  const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
  return toPage(await request("GET", `/api/reviews/${productId}${query}`), toReview);
}

export const fetchSearch = async (words: string, filters: Filters, limit: number): Promise<Matches> =>
  toMatches(await request("GET", priced(`/api/search?${searchQuery(words, filters)}&limit=${limit}`)));

export const fetchFacets = async (words: string, filters: Filters): Promise<Facets> =>
  toFacets(await request("GET", priced(`/api/facets?${searchQuery(words, filters)}`)));

export async function fetchSuggestions(words: string): Promise<string[]> {
  const answer = await request("GET", `/api/search/suggestions?${new URLSearchParams({ q: words })}`);
  const items = Array.isArray(answer.items) ? (answer.items as Json[]) : [];
  return items.map((item) => String(item.name ?? "")).filter(Boolean);
}
