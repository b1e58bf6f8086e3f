/** Search and suggestions: the shop's when it can be reached, else among the products this browser keeps. */
import { searchOffline } from "@/offline/catalogue";
import { connection, probe } from "@/offline/connection";
import { ApiError, fetchFacets, fetchSearch, fetchSuggestions, type Matches } from "./browser-api";
import { type Facets, facetsOf, type Filters, matches } from "./filters";

const SUGGESTIONS = 6;

export interface Found extends Matches {
  facets?: Facets | undefined;
  /** True: from this browser's copy of the catalogue, so perhaps not everything. */
  offline: boolean;
}

/** Throws when there is nowhere to search in. */
export async function search(words: string, filters: Filters, limit: number): Promise<Found> {
  if (connection() === "online") {
    try {
      // Without them there is less to choose from, and what was found is there.
      const facets = fetchFacets(words, filters).catch(() => undefined);
      return { ...(await fetchSearch(words, filters, limit)), facets: await facets, offline: false };
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) throw error;
      void probe();
    }
  }
  const stored = await searchOffline(words);
  if (!stored) throw new Error("nothing is kept in this browser to search in");
  const products = stored.products.filter((product) => matches(product, filters));
  return {
    products: products.slice(0, limit),
    total: products.length,
    similar: stored.similar,
    facets: facetsOf(stored.products, filters),
    offline: true,
  };
}

export async function suggest(words: string): Promise<string[]> {
  if (connection() === "online") {
    try {
      return (await fetchSuggestions(words)).slice(0, SUGGESTIONS);
    } catch {
      void probe();
    }
  }
  const stored = await searchOffline(words);
  return (stored?.products ?? []).slice(0, SUGGESTIONS).map((product) => product.name);
}

let current = "";
const listeners = new Set<(words: string) => void>();

/** What the page shows the results of; empty: it isn't a search's. The field says the same. */
export function nowSearching(words: string): void {
  current = words;
  for (const listener of listeners) listener(words);
}

export function onSearching(listener: (words: string) => void): () => void {
  listeners.add(listener);
  if (current) listener(current);
  return () => listeners.delete(listener);
}
