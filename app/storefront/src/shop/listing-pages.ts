"use client";
/**
 * The pages of a listing after its first one. From the shop while it can be reached, else from what this browser keeps; kept
 * for as long as the tab shows the shop, so that Back finds the listing as long as it was left.
 */
import { useCallback, useSyncExternalStore } from "react";
import { connection, probe } from "@/offline/connection";
import type { Product } from "./catalogue";
import { type Filters, queryOf } from "./filters";
import { PAGE_SIZE, type Sort } from "./sorting";

export interface Listing {
  filters: Filters;
  sort: Sort;
  /** Products on the first page, which a page made a while ago and the API's next one may both contain. */
  first: Product[];
  /** The API's cursor of what comes after the first page. */
  next: string;
}

export interface Further {
  products: Product[];
  /** Undefined: there is nothing more. */
  next: string | undefined;
  state: "idle" | "loading" | "failed";
  /** Some are from this browser's copy. */
  offline: boolean;
}

/** Listings of which further pages are kept, and products in all of them: about a kilobyte each. */
const MOST_LISTINGS = 10;
const MOST_PRODUCTS = 2_000;

const kept = new Map<string, Further>();
const listeners = new Set<() => void>();

/** In another currency it is another listing. */
const keyOf = ({ filters, sort, first }: Listing): string => `${queryOf(filters)} ${sort} ${first[0]?.currency}`;

function keep(key: string, further: Further): void {
  kept.delete(key);
  kept.set(key, further);
  const products = () => [...kept.values()].reduce((sum, each) => sum + each.products.length, 0);
  for (const oldest of kept.keys()) {
    if (oldest === key || (kept.size <= MOST_LISTINGS && products() <= MOST_PRODUCTS)) break;
    kept.delete(oldest);
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What is shown of the listing beyond its first page, and what shows more of it. */
export function useFurther(listing: Listing): [Further | undefined, () => Promise<void>] {
  const key = keyOf(listing);
  const further = useSyncExternalStore(
    subscribe,
    () => kept.get(key),
    () => undefined,
  );
  const more = useCallback(() => showMore(key, listing), [key, listing]);
  return [further, more];
}

async function showMore(key: string, listing: Listing): Promise<void> {
  const before = kept.get(key) ?? { products: [], next: listing.next, state: "idle", offline: false };
  if (before.state === "loading" || !before.next) return;
  keep(key, { ...before, state: "loading" });
  const known = new Set([...listing.first, ...before.products].map((product) => product.id));
  const shown = (products: Product[]) => [...before.products, ...products.filter((product) => !known.has(product.id))];
  // What fetches them comes with the first that is asked for.
  const parts = await import("./more-products").catch(() => undefined);
  if (!parts) return keep(key, { ...before, state: "failed" });
  const { ApiError, fetchProducts, storedListing } = parts;
  if (connection() === "online") {
    try {
      const { filters, sort } = listing;
      const page = await fetchProducts({ filters, sort, limit: PAGE_SIZE, cursor: before.next });
      return keep(key, { ...before, products: shown(page.items), next: page.next, state: "idle" });
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return keep(key, { ...before, state: "failed" });
      void probe();
    }
  }
  // The cursor stays: what the shop has beyond this browser's copy comes when it can be reached again.
  const stored = (await storedListing(listing.filters, listing.sort)).filter((product) => !known.has(product.id));
  keep(key, {
    ...before,
    products: shown(stored.slice(0, PAGE_SIZE)),
    state: stored.length ? "idle" : "failed",
    offline: before.offline || stored.length > 0,
  });
}
