"use client";
import { useState } from "react";
import type { Product } from "@/shop/catalogue";
import { isMissingPart, loadAnew } from "@/shop/parts";
import { Link } from "./Link";
import { Underway } from "./Underway";
import { useUnderway } from "./useUnderway";

export function AddToCart({ product }: { product: Product }) {
  const [added, setAdded] = useState(0);
  const [failed, setFailed] = useState(false);
  const [adding, start] = useUnderway();
  const sold = product.price !== null;
  const available = sold && product.stock > 0;

  async function add() {
    try {
      // The link to the cart has it fetched as soon as the page is there.
      const { addToCart } = await import("@/offline/cart");
      await addToCart(product);
      setAdded(added + 1);
      setFailed(false);
    } catch (error) {
      if (error instanceof Error && isMissingPart(error) && loadAnew("cart")) return;
      setFailed(true);
    }
  }

  return (
    <div className="add-to-cart">
      <div className="buy">
        <button type="button" className="button" onClick={() => start(add)} disabled={!available}>
          {available ? "Add to cart" : sold ? "Sold out" : "Not sold here"}
          {adding ? <Underway /> : null}
        </button>
        {added ? (
          <Link href="/cart" className="button quiet">
            Go to your cart
          </Link>
        ) : null}
      </div>
      <p className="small soft line-kept" role="status">
        {failed
          ? "This browser won’t store your cart. Is it in private mode?"
          : added
            ? `${product.name} is in your cart.`
            : ""}
      </p>
    </div>
  );
}
