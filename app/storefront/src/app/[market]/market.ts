import { notFound } from "next/navigation";
import { type Market, marketOf, memberMarketOf } from "@/shop/market";

/** The market in a page's address; the rewrites in next.config put it there, so any other is no page of ours. */
export async function marketFrom(params: Promise<{ market: string }>): Promise<Market> {
  return marketOf((await params).market) ?? notFound();
}

/** The same with the prices of the visitor who asks, a member. */
export async function memberMarketFrom(params: Promise<{ market: string }>): Promise<Market> {
  return memberMarketOf((await params).market) ?? notFound();
}

/** A whole number in an address, as ids are. */
export function idFrom(value: string): number {
  return /^[1-9]\d{0,14}$/.test(value) ? Number(value) : notFound();
}
