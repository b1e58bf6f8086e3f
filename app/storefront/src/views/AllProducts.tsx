import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { Listing } from "@/components/Listing";
import type { Market } from "@/shop/market";
import { products } from "@/shop/server-api";
import { isSort, listingPath, PAGE_SIZE } from "@/shop/sorting";

/** Every order shows the same products: one address stands for all of them. */
export const ALL_PRODUCTS_METADATA: Metadata = { title: "Everything", alternates: { canonical: listingPath() } };

export async function AllProducts({ market, sort }: { market: Market; sort: string }) {
  if (!isSort(sort)) notFound();
  const page = await products(market, { sort, limit: PAGE_SIZE });
  return (
    <Listing
      title="Everything"
      description="The whole shop, in one long shelf."
      sort={sort}
      products={page.items}
      {...(page.next ? { next: page.next } : {})}
    />
  );
}
