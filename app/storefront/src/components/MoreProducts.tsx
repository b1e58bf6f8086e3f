"use client";
import { useState } from "react";
import { probe } from "@/offline/connection";
import { fetchProducts } from "@/shop/browser-api";
import type { Product } from "@/shop/catalogue";
import { PAGE_SIZE, type Sort } from "@/shop/sorting";
import { ProductGrid } from "./ProductCard";

interface Props {
  categoryId?: number;
  sort: Sort;
  /** Products on the page already, which a page made a while ago and the API's next one may both contain. */
  shown: number[];
  next: string;
}

/** The pages of a listing after the first. */
export function MoreProducts({ categoryId, sort, shown, next }: Props) {
  const [products, setProducts] = useState<Product[]>([]);
  const [cursor, setCursor] = useState<string | undefined>(next);
  const [state, setState] = useState<"idle" | "loading" | "failed">("idle");

  async function more() {
    setState("loading");
    try {
      const page = await fetchProducts({ categoryId, sort, limit: PAGE_SIZE, cursor });
      const known = new Set([...shown, ...products.map((product) => product.id)]);
      setProducts([...products, ...page.items.filter((product) => !known.has(product.id))]);
      setCursor(page.next);
      setState("idle");
    } catch {
      void probe();
      setState("failed");
    }
  }

  return (
    <>
      {products.length ? (
        <div className="grid-after">
          <ProductGrid products={products} />
        </div>
      ) : null}
      <div className="more" aria-live="polite">
        {state === "failed" ? (
          <p className="notice warn">The next products couldn’t be fetched. Are you offline?</p>
        ) : null}
        {cursor ? (
          <button type="button" className="button quiet" onClick={more} disabled={state === "loading"}>
            {state === "loading" ? "Fetching…" : "Show more"}
          </button>
        ) : (
          <p className="soft small">That’s all {shown.length + products.length} of them.</p>
        )}
      </div>
    </>
  );
}
