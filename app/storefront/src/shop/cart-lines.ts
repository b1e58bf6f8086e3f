/** The lines of a cart or a quote, from the API's JSON. */
import { type CartLine, lineOf } from "@/offline/database";
import { toProduct } from "./catalogue";

type Json = Record<string, unknown>;

export function toCartLines(items: unknown): CartLine[] {
  const now = Date.now();
  return Array.isArray(items) ? (items as Json[]).map((item, index) => toCartLine(item, now + index)) : [];
}

function toCartLine(item: Json, addedAt: number): CartLine {
  const product = toProduct({ ...item, ...((item.product as Json | undefined) ?? {}) });
  return {
    ...lineOf(product, Number(item.quantity)),
    productId: Number(item.product_id),
    price: typeof item.unit_price === "number" ? item.unit_price : null,
    asked: true,
    ...(typeof item.left === "number" ? { left: item.left } : {}),
    addedAt,
  };
}
