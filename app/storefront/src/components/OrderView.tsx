"use client";
import { useEffect, useRef, useState } from "react";
import { forgetPlaced } from "@/offline/checkout";
import { ApiError } from "@/shop/browser-api";
import { money } from "@/shop/money";
import { fetchOrder, type Order } from "@/shop/orders";
import { Link } from "./Link";
import { OrderLines } from "./OrderLines";

const STATES: Record<string, string> = {
  pending: "Thank you. We’ve received your order.",
  processing: "Your order is being processed.",
  shipped: "Your order is on its way.",
  delivered: "Your order has arrived.",
  cancelled: "This order was cancelled.",
};

export function OrderView({ id }: { id: number }) {
  const [order, setOrder] = useState<Order>();
  const [problem, setProblem] = useState("");
  const title = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    const show = (found: Order) => {
      setOrder(found);
      forgetPlaced().catch(() => undefined);
    };
    fetchOrder(id).then(show, (error: unknown) => {
      const unknown = error instanceof ApiError && error.status === 404;
      setProblem(
        unknown
          ? "We can’t find this order. If you placed it with an account, sign in to see it."
          : "This order can’t be shown right now. It is safe with us.",
      );
    });
  }, [id]);

  // Whoever comes from the checkout hears and sees first what became of the order.
  useEffect(() => {
    if (!order) return;
    scrollTo(0, 0);
    title.current?.focus();
  }, [order]);

  if (problem) {
    return (
      <div className="empty">
        <h1>Order {id}</h1>
        <p className="soft" role="alert">
          {problem}
        </p>
        <Link href={`/login?next=/orders/${id}`} className="button">
          Sign in
        </Link>
      </div>
    );
  }
  if (!order)
    return (
      <>
        <header className="page-head">
          <h1>Order {id}</h1>
        </header>
        <div className="skeleton tall" aria-hidden="true" />
      </>
    );
  const { name, street, postcode, city, country } = order.shipping_address;
  return (
    <>
      <header className="page-head">
        <h1 ref={title} tabIndex={-1}>
          {STATES[order.status] ?? `Order ${order.id}`}
        </h1>
        <p className="soft prose" role="status">
          Order {order.id}, {money(order.total, order.currency)}, placed on{" "}
          {new Date(order.created_at).toLocaleDateString("en-GB", { dateStyle: "long" })}. This was a test payment:
          nothing was charged.
          {order.email ? " Make a note of the number: as a guest, you can see this page only during this visit." : ""}
        </p>
      </header>
      <div className="split">
        <OrderLines lines={order.lines} />
        <aside className="card" aria-labelledby="goes-to">
          <h2 id="goes-to">Delivery address</h2>
          <p>
            {name}
            <br />
            {street}
            <br />
            {postcode} {city}, {country}
          </p>
          <Link href={order.email ? "/products" : "/account/orders"} className="button quiet">
            {order.email ? "Keep shopping" : "See your orders"}
          </Link>
        </aside>
      </div>
    </>
  );
}
