import type { Metadata } from "next";
import { CartView } from "@/components/CartView";

export const metadata: Metadata = { title: "Your cart", robots: { index: false } };

export default function Cart() {
  return (
    <>
      <header className="page-head">
        <h1>Your cart</h1>
        <p className="soft prose">What you add stays here, even when you’re offline.</p>
      </header>
      <CartView />
    </>
  );
}
