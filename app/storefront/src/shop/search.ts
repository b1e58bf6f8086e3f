/** Search and suggestions: the shop's when it can be reached, else among the products this browser keeps. */
import { searchOffline } from "@/offline/catalogue";
import { connection, probe } from "@/offline/connection";
import { ApiError, fetchSearch, fetchSuggestions } from "./browser-api";
import type { Product } from "./catalogue";

const RESULTS = 48;
const SUGGESTIONS = 6;

export interface Found {
  products: Product[];
  /** True: from this browser's copy of the catalogue, so perhaps not everything. */
  offline: boolean;
}

export async function search(words: string): Promise<Found> {
  if (connection() === "online") {
    try {
      return { products: await fetchSearch(words, RESULTS), offline: false };
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) throw error;
      void probe();
    }
  }
  return { products: await searchOffline(words, RESULTS), offline: true };
}

export async function suggest(words: string): Promise<string[]> {
  if (connection() === "online") {
    try {
      return (await fetchSuggestions(words)).slice(0, SUGGESTIONS);
    } catch {
      void probe();
    }
  }
  return (await searchOffline(words, SUGGESTIONS)).map((product) => product.name);
}
