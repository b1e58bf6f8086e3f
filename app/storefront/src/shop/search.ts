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
  const all = await searchOffline(words);
  const products = all.filter((product) => matches(product, filters));
  return {
    products: products.slice(0, limit),
    total: products.length,
    similar: false,
    facets: facetsOf(all, filters),
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
  return (await searchOffline(words)).slice(0, SUGGESTIONS).map((product) => product.name);
}
