/** Quotes and orders: what the shop says that the cart costs, and what was ordered. */
import type { CartLine } from "@/offline/database";
import { ApiError, request } from "./browser-api";
import { toCartLines } from "./cart-lines";
import { priced } from "./country";

type Json = Record<string, unknown>;

/** What an order of the cart costs now. */
export interface Quote {
  /** The order's Idempotency-Key. */
  id: string;
  cartVersion: number;
  lines: CartLine[];
  /** In minor units of `currency`. */
  total: number;
  currency: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export interface OrderLine {
  product_id: number;
  name: string;
  image: string;
  quantity: number;
  unit_price: number;
}

export interface Order {
  id: number;
  status: string;
  total: number;
  currency: string;
  email: string | null;
  shipping_address: Record<string, string>;
  created_at: string;
  lines: OrderLine[];
}

export const toQuote = (json: Json): Quote => ({
  id: String(json.id),
  cartVersion: Number(json.cart_version),
  lines: toCartLines(json.items),
  total: Number(json.total),
  currency: String(json.currency),
  expiresAt: Date.parse(String(json.expires_at)),
});

export const fetchQuote = async (): Promise<Quote> => toQuote(await request("GET", priced("/api/checkout")));

export const fetchOrder = async (id: number): Promise<Order> => toOrder(await request("GET", `/api/orders/${id}`));

/** The order that was placed with a key; undefined: none, so far. Throws when the shop can't say. */
export async function placedWith(key: string): Promise<Order | undefined> {
  try {
    return toOrder(await request("GET", `/api/checkout/${encodeURIComponent(key)}`));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

export const toOrder = (json: Json): Order => json as unknown as Order;
