/** Search and suggestions: the shop's when it can be reached, else among the products this browser keeps. */
import { inOrder, searchOffline } from "@/offline/catalogue";
import { connection, probe } from "@/offline/connection";
import { ApiError, fetchFacets, fetchSearch, fetchSuggestions } from "./browser-api";
import type { Matches, Product } from "./catalogue";
import { type Facets, facetsOf, matches, type Wanted } from "./filters";
import { DEFAULT_SORT, SEARCHED } from "./sorting";

const SUGGESTIONS = 6;

export interface Found extends Matches {
  facets?: Facets | undefined;
  /** True: from this browser's copy of the catalogue, so perhaps not everything. */
  offline: boolean;
}

/** Throws when there is nowhere to search in. Where something else than the best match is to come first, all are asked for. */
export async function search(words: string, { filters, sort }: Wanted, limit: number): Promise<Found> {
  const sorted = (products: Product[]) => (sort === DEFAULT_SORT ? products : inOrder(products, sort)).slice(0, limit);
  if (connection() === "online") {
    try {
      // Without them there is less to choose from, and what was found is there.
      const facets = fetchFacets(words, filters).catch(() => undefined);
      const found = await fetchSearch(words, filters, sort === DEFAULT_SORT ? limit : SEARCHED);
      return { ...found, products: sorted(found.products), facets: await facets, offline: false };
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) throw error;
      void probe();
    }
  }
  const stored = await searchOffline(words);
  if (!stored) throw new Error("nothing is kept in this browser to search in");
  const products = stored.products.filter((product) => matches(product, filters));
  return {
    products: sorted(products),
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
