import type { Metadata } from "next";
import { CheckoutView } from "@/components/CheckoutView";

export const metadata: Metadata = { title: "Checkout", robots: { index: false } };

export default function Checkout() {
  return (
    <>
      <header className="page-head">
        <h1>Checkout</h1>
        <p className="soft prose">
          You need no account to order. Delivery is free, and nothing is added to the prices.
        </p>
      </header>
      <CheckoutView />
    </>
  );
}
