"use client";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";
import { type Found, search } from "@/shop/search";
import { ProductGrid } from "./ProductCard";

export function SearchResults() {
  const words = useSearchParams().get("q")?.trim() ?? "";
  const [answer, setAnswer] = useState<{ words: string; found?: Found; problem?: string }>();

  useEffect(() => {
    if (!words) return;
    let wanted = true;
    search(words).then(
      (found) => wanted && setAnswer({ words, found }),
      (error: Error) => wanted && setAnswer({ words, problem: error.message }),
    );
    return () => {
      wanted = false;
    };
  }, [words]);

  const current = answer?.words === words ? answer : undefined;
  const products = current?.found?.products ?? [];
  return (
    <>
      <header className="page-head">
        <h1>{words ? `“${words}”` : "What are you looking for?"}</h1>
        <p className="soft" role="status">
          {!words
            ? "Type a word or two above."
            : !current
              ? "Searching…"
              : (current.problem ??
                `${products.length} ${products.length === 1 ? "product" : "products"}${current.found?.offline ? ", from what this browser keeps" : ""}`)}
        </p>
      </header>
      {products.length ? <h2 className="visually-hidden">Products</h2> : null}
      {products.length ? <ProductGrid products={products} preload={2} /> : null}
      {current?.found && !products.length ? (
        <div className="empty">
          <p className="soft prose">
            Nothing has all of these words. Fewer of them, or another name for the thing, may find it.
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
