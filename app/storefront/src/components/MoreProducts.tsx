"use client";
import { useMemo } from "react";
import { useOnline } from "@/offline/use-online";
import { type Listing, useFurther } from "@/shop/listing-pages";
import { ProductGrid } from "./ProductCard";

/** The pages of a listing after the first. */
export function MoreProducts({ filters, sort, first, next }: Listing) {
  const listing = useMemo(() => ({ filters, sort, first, next }), [filters, sort, first, next]);
  const [further, more] = useFurther(listing);
  const products = further?.products ?? [];
  const online = useOnline();
  return (
    <>
      {products.length ? (
        <div className="grid-after">
          <ProductGrid products={products} />
        </div>
      ) : null}
      <div className="more" aria-live="polite">
        {further?.state === "failed" ? (
          <p className="notice warn">
            {online
              ? "More products couldn’t be loaded. Please try again."
              : "That’s all that’s saved on this device. There may be more when you’re online."}
          </p>
        ) : null}
        {further?.offline && further.state !== "failed" ? <p className="soft small">Saved on this device.</p> : null}
        {!further || further.next ? (
          <button type="button" className="button quiet" onClick={more} disabled={further?.state === "loading"}>
            {further?.state === "loading" ? "Loading…" : "Show more"}
          </button>
        ) : (
          <p className="soft small">That’s all {first.length + products.length} products.</p>
        )}
      </div>
    </>
  );
}
