"use client";
import { useEffect, useRef, useState } from "react";
import { cartLines, MOST_PIECES, removeFromCart, restoreLine, setQuantity } from "@/offline/cart";
import type { CartLine } from "@/offline/database";
import { useStored } from "@/offline/use";
import { useOnline } from "@/offline/use-online";
import { money } from "@/shop/money";
import { LineProblem } from "./LineProblem";
import { Link } from "./Link";
import { ProductImage } from "./ProductImage";
import { Totals } from "./Totals";

export function CartView() {
  const lines = useStored(cartLines, "cart", "signed-out");
  const online = useOnline();
  const [removed, setRemoved] = useState<CartLine>();
  const [restored, setRestored] = useState<number>();
  useEffect(() => {
    // Without an answer the prices that were last seen stay.
    if (online) import("@/shop/session").then(({ fetchCart }) => fetchCart()).catch(() => undefined);
  }, [online]);
  if (!lines) return <div key="skeleton" className="skeleton mid" aria-hidden="true" />;
  function undone() {
    setRestored(removed?.productId);
    setRemoved(undefined);
  }
  const undo = removed ? <Undo line={removed} onDone={undone} /> : null;
  if (!lines.length) {
    return (
      <div className="empty">
        {undo}
        <p className="soft">Your cart is empty.</p>
        <Link href="/products" className="button">
          Browse the shop
        </Link>
      </div>
    );
  }
  return (
    <div className="split">
      <div>
        {undo}
        <ul role="list" className="lines">
          {lines.map((line) => (
            <Line key={line.productId} line={line} restored={line.productId === restored} onRemoved={setRemoved} />
          ))}
        </ul>
      </div>
      <aside className="card" aria-labelledby="summary">
        <h2 id="summary">Summary</h2>
        <Totals lines={lines} note="Nothing is added at checkout." />
        {online ? (
          <Link href="/checkout" className="button wide">
            Proceed to checkout
          </Link>
        ) : (
          <>
            <button type="button" className="button wide" disabled>
              Go online to check out
            </button>
            <p className="small soft">
              You can <Link href="/checkout">prepare your order</Link> now and place it when you’re back online.
            </p>
          </>
        )}
      </aside>
    </div>
  );
}

/** What was taken out last, and the way back. The focus goes there, since the button that had it is gone. */
function Undo({ line, onDone }: { line: CartLine; onDone: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), [line]);
  return (
    <p className="notice undo" role="status">
      <span>{line.name || `Item ${line.productId}`} is no longer in your cart.</span>
      <button
        ref={button}
        type="button"
        className="link-button"
        onClick={async () => {
          await restoreLine(line);
          onDone();
        }}
      >
        Undo
      </button>
    </p>
  );
}

interface LineProps {
  line: CartLine;
  /** It has just been put back: the focus goes there. */
  restored: boolean;
  onRemoved: (line: CartLine) => void;
}

function Line({ line, restored, onRemoved }: LineProps) {
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (restored) item.current?.focus();
  }, [restored]);
  async function remove() {
    await removeFromCart(line);
    onRemoved(line);
  }

  return (
    <li className="line" ref={item} tabIndex={-1}>
      <div className="line-picture">
        <ProductImage product={line} alt="" sizes="104px" />
      </div>
      <div>
        <h2>
          <Link href={`/products/${line.productId}`}>{line.name || `Item ${line.productId}`}</Link>
        </h2>
        <p className="small soft">{line.brand}</p>
        <LineProblem line={line} />
      </div>
      <p className="price">{line.price === null ? "–" : money(line.price * line.quantity, line.currency)}</p>
      <div className="line-actions">
        <div className="stepper" role="group" aria-label={`How many of ${line.name}`}>
          <button
            type="button"
            aria-label="One fewer"
            disabled={line.quantity <= 1}
            onClick={() => setQuantity(line, line.quantity - 1)}
          >
            −
          </button>
          <output aria-live="polite">{line.quantity}</output>
          <button
            type="button"
            aria-label="One more"
            disabled={line.quantity >= MOST_PIECES}
            onClick={() => setQuantity(line, line.quantity + 1)}
          >
            +
          </button>
        </div>
        <button type="button" className="link-button" onClick={remove}>
          Remove<span className="visually-hidden"> {line.name}</span>
        </button>
      </div>
    </li>
  );
}
