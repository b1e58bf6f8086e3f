"use client";
import { useEffect, useState } from "react";
import { database } from "@/offline/database";
import { keepOf } from "@/offline/visitor";
import { request } from "@/shop/browser-api";
import { type Page, toPage } from "@/shop/catalogue";
import { money } from "@/shop/money";
import { type Order, toOrder } from "@/shop/orders";
import { Link } from "./Link";
import { OrderLines } from "./OrderLines";
import { SignInFirst } from "./SignInFirst";
import { Underway } from "./Underway";
import { useUnderway } from "./useUnderway";
import { useVisitor } from "./useVisitor";

const STATES: Record<string, [label: string, kind: string]> = {
  pending: ["Received", "warn"],
  processing: ["Being processed", ""],
  shipped: ["On its way", "good"],
  delivered: ["Delivered", "good"],
  cancelled: ["Cancelled", "danger"],
};

export function OrdersView() {
  const visitor = useVisitor();
  const [orders, setOrders] = useState<Order[]>();
  const [next, setNext] = useState<string>();
  const [problem, setProblem] = useState("");
  const [fetching, start] = useUnderway();
  const id = visitor?.id;

  useEffect(() => {
    if (id === undefined) return;
    (async () => {
      const kept = await database((db) => db.get("userData", "orders"));
      if (Array.isArray(kept)) setOrders(kept as Order[]);
      const page = await fetchOrders(id);
      await keepOf(id, { orders: page.items });
      setOrders(page.items);
      setNext(page.next);
    })().catch(() => setOrders((shown) => shown ?? []));
  }, [id]);

  async function more() {
    if (id === undefined) return;
    setProblem("");
    try {
      const page = await fetchOrders(id, next);
      setOrders((shown = []) => [...shown, ...page.items]);
      setNext(page.next);
    } catch {
      setProblem("Earlier orders couldn’t be loaded. Please try again.");
    }
  }

  if (visitor === null) return <SignInFirst next="/account/orders" />;
  if (!orders) return <div key="skeleton" className="skeleton mid" aria-hidden="true" />;
  if (!orders.length)
    return (
      <div className="empty">
        <p className="soft">You haven’t ordered anything yet.</p>
        <Link href="/products" className="button">
          Browse the shop
        </Link>
      </div>
    );
  return (
    <>
      <ol role="list" className="orders">
        {orders.map((order) => (
          <li key={order.id} className="card">
            <div className="order-head">
              <h2>
                <Link href={`/orders/${order.id}`}>Order {order.id}</Link>
              </h2>
              <Status of={order} />
              <p className="soft small">
                {new Date(order.created_at).toLocaleDateString("en-GB", { dateStyle: "long" })}
              </p>
              <p className="price">{money(order.total, order.currency)}</p>
            </div>
            <OrderLines lines={order.lines} />
          </li>
        ))}
      </ol>
      {problem ? <p className="notice warn">{problem}</p> : null}
      {next ? (
        <div className="more">
          <button type="button" className="button quiet small" disabled={fetching} onClick={() => start(more)}>
            Earlier orders
            {fetching ? <Underway /> : null}
          </button>
        </div>
      ) : null}
    </>
  );
}

function Status({ of: { status } }: { of: Order }) {
  const [label, kind] = STATES[status] ?? [status, ""];
  return <span className={`tag ${kind}`}>{label}</span>;
}

async function fetchOrders(user: number, cursor?: string): Promise<Page<Order>> {
  const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
  return toPage(await request("GET", `/api/users/${user}/orders${query}`), toOrder);
}
