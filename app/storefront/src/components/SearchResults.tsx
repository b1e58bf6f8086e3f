"use client";
import { useEffect, useState } from "react";
import type { Category } from "@/shop/catalogue";
import { addressOf, queryOf, type Wanted, wantedIn } from "@/shop/filters";
import type { Found } from "@/shop/search";
import { nowSearching } from "@/shop/searching";
import { DEFAULT_SORT, PAGE_SIZE, SEARCHED, type Sort } from "@/shop/sorting";
import { Filters } from "./Filters";
import { Link } from "./Link";
import { ProductGrid } from "./ProductCard";
import { SortLinks } from "./SortLinks";

/** No search looks through more; who hasn't found it by then narrows it down. */
const MOST = 192;

interface SearchAnswer {
  of: string;
  limit: number;
  /** Undefined: we can't search at the moment. */
  found?: Found;
}

/** Fetched when it is needed: the server has found the first page of most searches. */
const searchFor = async (words: string, wanted: Wanted, limit: number): Promise<Found> =>
  (await import("@/shop/search")).search(words, wanted, limit);

interface Props {
  words: string;
  wanted: Wanted;
  /** To choose from; where there are none, the browser looks which it keeps. */
  categories?: Pick<Category, "id" | "name">[];
  /** The first page of what was found, by the server. */
  first?: Omit<Found, "offline">;
}

export function SearchResults({ words, wanted, first, ...given }: Props) {
  const narrowed = String(queryOf(wanted.filters));
  const of = addressOf("/search", wanted, words);
  const [answer, setAnswer] = useState<SearchAnswer>();
  const [categories, setCategories] = useState(given.categories ?? []);
  const [attempt, setAttempt] = useState(0);
  const [asked, setAsked] = useState({ of, limit: PAGE_SIZE });
  const limit = asked.of === of ? asked.limit : PAGE_SIZE;
  const known = first !== undefined && limit === PAGE_SIZE;

  const noneGiven = !given.categories?.length;
  useEffect(() => {
    if (!noneGiven) return;
    // Without a choice of categories the search is there all the same.
    import("@/offline/catalogue")
      .then(({ storedCategories }) => storedCategories())
      .then(setCategories, () => undefined);
  }, [noneGiven]);

  useEffect(() => {
    nowSearching(words);
    return () => nowSearching("");
  }, [words]);

  useEffect(() => {
    if (!words || known) return;
    let current = true;
    searchFor(words, wantedIn(new URL(of, location.origin).searchParams), limit).then(
      (found) => current && setAnswer({ of, limit, found }),
      () => current && setAnswer({ of, limit }),
    );
    return () => {
      current = false;
    };
  }, [words, of, limit, attempt, known]);

  const current: SearchAnswer | undefined =
    answer?.of === of ? answer : first && { of, limit: PAGE_SIZE, found: { ...first, offline: false } };
  const found = current?.found;
  const products = found?.products ?? [];
  const more = found && products.length < Math.min(found.total, MOST);
  return (
    <>
      <header className="page-head">
        <h1>{words ? `“${words}”` : "What are you looking for?"}</h1>
        <p className="soft" role="status">
          {!words
            ? "Type a word or two in the search field."
            : !current
              ? "Searching…"
              : found
                ? said(found, wanted.sort)
                : "Search isn’t available right now."}
        </p>
        {found?.total ? <SortLinks path="/search" words={words} wanted={wanted} /> : null}
        {found ? (
          <Filters
            path="/search"
            words={words}
            wanted={wanted}
            facets={found.facets}
            categories={categories}
            currency={products[0]?.currency ?? "EUR"}
          />
        ) : null}
      </header>
      {products.length ? <h2 className="visually-hidden">Products</h2> : null}
      {products.length ? <ProductGrid products={products} preload={2} /> : null}
      {more ? (
        <div className="more">
          <button
            type="button"
            className="button quiet"
            disabled={limit > current.limit}
            onClick={() => setAsked({ of, limit: limit + PAGE_SIZE })}
          >
            {limit > current.limit ? "Loading…" : "Show more"}
          </button>
        </div>
      ) : null}
      {current && !found ? (
        <button
          type="button"
          className="button"
          onClick={() => {
            setAnswer(undefined);
            setAttempt(attempt + 1);
          }}
        >
          Try again
        </button>
      ) : null}
      {!words || (found && !products.length) ? (
        <div className="empty">
          {found ? <p className="soft prose">{nothing(found, narrowed !== "")}</p> : null}
          <div className="hero-actions">
            <Link href="/categories" className="button">
              Browse the categories
            </Link>
            <Link href="/products" className="button quiet">
              See everything
            </Link>
          </div>
        </div>
      ) : null}
    </>
  );
}

function nothing({ offline }: Found, narrowed: boolean): string {
  if (offline) return "Nothing saved on this device matches. There may be more when you’re online.";
  return narrowed
    ? "Nothing matches these words and all of these filters. Try removing a filter."
    : "Nothing matches all of these words. Try fewer words, or another name for it.";
}

function said({ total, offline, similar }: Found, sort: Sort): string {
  const products = `${total.toLocaleString("en")} ${total === 1 ? "product" : "products"}`;
  const some = !offline && sort !== DEFAULT_SORT && total > SEARCHED ? `; sorting the ${SEARCHED} best matches` : "";
  const where = offline ? " saved on this device" : some;
  return similar && total
    ? `Nothing matches all of these words. ${products} with similar names${where}`
    : products + where;
}
