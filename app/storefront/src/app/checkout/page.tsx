import type { Metadata } from "next";
import { CheckoutView } from "@/components/CheckoutView";

export const metadata: Metadata = { title: "Checkout", robots: { index: false } };

export default function Checkout() {
  return (
    <>
      <header className="page-head">
        <h1>Checkout</h1>
      </header>
      <CheckoutView />
    </>
  );
}
