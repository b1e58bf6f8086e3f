import type { Metadata } from "next";
import { OrdersView } from "@/components/OrdersView";

export const metadata: Metadata = { title: "Your orders", robots: { index: false } };

export default function Orders() {
  return (
    <>
      <header className="page-head">
        <h1>Your orders</h1>
      </header>
      <OrdersView />
    </>
  );
}
