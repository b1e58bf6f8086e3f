"use client";
import { useEffect, useState } from "react";
import { BagIcon } from "./icons";
import { Link } from "./Link";

export function CartLink() {
  const [pieces, setPieces] = useState(0);
  useEffect(() => {
    let stop: (() => void) | undefined;
    let wanted = true;
    // The page is there first: what keeps the cart is as much script as what shows it.
    import("@/offline/pieces").then(
      ({ watchPieces }) => {
        if (wanted) stop = watchPieces(setPieces);
      },
      () => undefined, // the cart's own page tells what is missing
    );
    return () => {
      wanted = false;
      stop?.();
    };
  }, []);
  return (
    <Link
      href="/cart"
      className="icon-link"
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
