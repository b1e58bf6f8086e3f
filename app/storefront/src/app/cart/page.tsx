import type { Metadata } from "next";
import { CartView } from "@/components/CartView";

export const metadata: Metadata = { title: "Your cart", robots: { index: false } };

export default function Cart() {
  return (
    <>
      <header className="page-head">
        <h1>Your cart</h1>
      </header>
      <CartView />
    </>
  );
}
