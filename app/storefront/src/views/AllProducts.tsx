import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { Listing } from "@/components/Listing";
import type { Filters } from "@/shop/filters";
import type { Market } from "@/shop/market";
import { categories, facets, products } from "@/shop/server-api";
import { isSort, listingPath, PAGE_SIZE } from "@/shop/sorting";

/** Every order shows the same products: one address stands for all of them. */
export const ALL_PRODUCTS_METADATA: Metadata = { title: "Everything", alternates: { canonical: listingPath() } };

interface Props {
  market: Market;
  /** As they stand in the address. */
  sort: string;
  filters: Filters | undefined;
}

export async function AllProducts({ market, sort, filters }: Props) {
  if (!isSort(sort) || !filters) notFound();
  const [page, choice, all] = await Promise.all([
    products(market, { filters, sort, limit: PAGE_SIZE }),
    facets(market, { filters }),
    categories(market),
  ]);
  return (
    <Listing
      title="Everything"
      description="Everything in the shop, in one place."
      wanted={{ filters, sort }}
      facets={choice}
      categories={all}
      currency={market.currency}
      products={page.items}
      {...(page.next ? { next: page.next } : {})}
    />
  );
}
