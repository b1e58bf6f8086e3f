"use client";
import { useEffect, useState } from "react";
import { database } from "@/offline/database";
import { request } from "@/shop/browser-api";
import { money } from "@/shop/money";
import { SignInFirst } from "./AccountView";
import { useVisitor } from "./useVisitor";

interface Order {
  id: number;
  status: string;
  total: number;
  currency: string;
  created_at: string;
  lines?: { name: string; quantity: number }[];
}

const KINDS: Record<string, string> = { delivered: "good", shipped: "good", cancelled: "danger", pending: "warn" };

export function OrdersView() {
  const visitor = useVisitor();
  const [orders, setOrders] = useState<Order[]>();
  const id = visitor?.id;

  useEffect(() => {
    if (id === undefined) return;
    (async () => {
      const db = await database();
      const kept = await db.get("userData", "orders");
      if (Array.isArray(kept)) setOrders(kept as Order[]);
      const answer = await request("GET", `/api/users/${id}/orders`);
      const fetched = (Array.isArray(answer.items) ? answer.items : []) as Order[];
      await db.put("userData", fetched, "orders");
      setOrders(fetched);
    })().catch(() => setOrders((shown) => shown ?? []));
  }, [id]);

  if (visitor === null) return <SignInFirst next="/account/orders" />;
  if (!orders) return <div className="skeleton" style={{ height: "12rem" }} aria-hidden="true" />;
  if (!orders.length) return <p className="soft">You haven’t ordered anything yet.</p>;
  return (
    <table className="table">
      <caption className="visually-hidden">Your orders, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">Order</th>
          <th scope="col">What</th>
          <th scope="col">State</th>
          <th scope="col">Total</th>
        </tr>
      </thead>
      <tbody>
        {orders.map((order) => (
          <tr key={order.id}>
            <td>
              {order.id}
              <br />
              <span className="soft small">{new Date(order.created_at).toLocaleDateString("en-GB", { dateStyle: "medium" })}</span>
            </td>
            <td>{(order.lines ?? []).map((line) => `${line.quantity} × ${line.name}`).join(", ")}</td>
            <td>
              <span className={`tag ${KINDS[order.status] ?? ""}`}>{order.status}</span>
            </td>
            <td className="price">{money(order.total, order.currency)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
