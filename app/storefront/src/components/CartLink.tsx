"use client";
import Link from "next/link";
import { cartLines } from "@/offline/cart";
import { useStored } from "@/offline/use";
import { BagIcon } from "./icons";

export function CartLink() {
  const lines = useStored(cartLines, "cart", "signed-out");
  const pieces = lines?.reduce((sum, line) => sum + line.quantity, 0) ?? 0;
  return (
    <Link
      href="/cart"
      className="icon-link"
      prefetch={false}
      aria-label={pieces ? `Your cart, ${pieces} ${pieces === 1 ? "item" : "items"}` : "Your cart"}
    >
      <BagIcon />
      {pieces ? (
        <span className="badge" aria-hidden="true">
          {pieces}
        </span>
      ) : null}
    </Link>
  );
}
