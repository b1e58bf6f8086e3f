import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { SearchResults } from "@/components/SearchResults";
import type { Filters } from "@/shop/filters";
import type { Market } from "@/shop/market";
import { categories, search } from "@/shop/server-api";
import { DEFAULT_SORT, PAGE_SIZE } from "@/shop/sorting";

export const SEARCH_METADATA: Metadata = { title: "Search", robots: { index: false } };

interface Props {
  market: Market;
  /** As they stand in the address; undefined: as no address has them. */
  words: string | undefined;
  filters: Filters | undefined;
}

/** What was found; where the API can't say, the browser asks it, or searches in what it keeps. */
export async function Search({ market, words, filters }: Props) {
  if (!words || !filters) notFound();
  const [found, all] = await Promise.all([
    search(market, words, filters, PAGE_SIZE).catch(() => undefined),
    categories(market).catch(() => []),
  ]);
  const wanted = { filters, sort: DEFAULT_SORT };
  return (
    <SearchResults
      words={words}
      wanted={wanted}
      categories={all.map(({ id, name }) => ({ id, name }))}
      {...(found ? { first: found } : {})}
    />
  );
}
