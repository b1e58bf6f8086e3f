"use client";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";
import { storedCategories } from "@/offline/catalogue";
import type { Category } from "@/shop/catalogue";
import { queryOf, wantedIn } from "@/shop/filters";
import { type Found, search } from "@/shop/search";
import { Filters } from "./Filters";
import { ProductGrid } from "./ProductCard";

const PAGE = 48;
/** No search looks through more; who hasn't found it by then narrows it down. */
const MOST = 192;

interface Answer {
  of: string;
  limit: number;
  found?: Found;
  /** Why there is no answer. */
  problem?: string;
}

export function SearchResults() {
  const query = useSearchParams();
  const words = query.get("q")?.trim() ?? "";
  const wanted = wantedIn(new URLSearchParams(query));
  const narrowed = String(queryOf(wanted.filters));
  const of = `${words} ${narrowed}`;
  const [answer, setAnswer] = useState<Answer>();
  const [categories, setCategories] = useState<Category[]>([]);
  const [asked, setAsked] = useState({ of, limit: PAGE });
  const limit = asked.of === of ? asked.limit : PAGE;

  useEffect(() => {
    storedCategories().then(setCategories, () => undefined);
  }, []);

  useEffect(() => {
    if (!words) return;
    let current = true;
    const { filters } = wantedIn(new URLSearchParams(narrowed));
    search(words, filters, limit).then(
      (found) => current && setAnswer({ of, limit, found }),
      (error: Error) => current && setAnswer({ of, limit, problem: error.message }),
    );
    return () => {
      current = false;
    };
  }, [words, narrowed, of, limit]);

  const current = answer?.of === of ? answer : undefined;
  const found = current?.found;
  const products = found?.products ?? [];
  const more = found && products.length < Math.min(found.total, MOST);
  return (
    <>
      <header className="page-head">
        <h1>{words ? `“${words}”` : "What are you looking for?"}</h1>
        <p className="soft" role="status">
          {!words ? "Type a word or two above." : !current ? "Searching…" : (current.problem ?? said(found))}
        </p>
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
            onClick={() => setAsked({ of, limit: limit + PAGE })}
          >
            {limit > current.limit ? "Fetching…" : "Show more"}
          </button>
        </div>
      ) : null}
      {found && !products.length ? (
        <div className="empty">
          <p className="soft prose">
            {narrowed
              ? "Nothing with these words is all of that at once. With one filter less there may be something."
              : "Nothing has all of these words. Fewer of them, or another name for the thing, may find it."}
          </p>
          <div className="hero-actions">
            <Link href="/categories" className="button" prefetch={false}>
              Look through the categories
            </Link>
            <Link href="/products" className="button quiet" prefetch={false}>
              See everything
            </Link>
          </div>
        </div>
      ) : null}
    </>
  );
}

function said(found: Found | undefined): string {
  const total = found?.total ?? 0;
  const products = `${total.toLocaleString("en")} ${total === 1 ? "product" : "products"}`;
  const where = found?.offline ? ", from what this browser keeps" : "";
  return found?.similar && total
    ? `Nothing has all of these words. ${products} with names like that${where}`
    : products + where;
}
