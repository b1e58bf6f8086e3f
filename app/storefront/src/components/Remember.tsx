"use client";
import { useEffect } from "react";
import type { Product } from "@/shop/catalogue";

/** Keeps the product being looked at in the browser's own copy of the catalogue. */
export function Remember({ product }: { product: Product }) {
  useEffect(() => {
    import("@/offline/catalogue")
      .then(({ remember }) => remember(product))
      .catch((error: unknown) => console.error("the product can't be kept for offline use", error));
  }, [product]);
  return null;
}
