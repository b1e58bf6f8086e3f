import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { Listing } from "@/components/Listing";
import type { Category } from "@/shop/catalogue";
import type { Filters } from "@/shop/filters";
import type { Market } from "@/shop/market";
import { categories, facets, products } from "@/shop/server-api";
import { isSort, listingPath, PAGE_SIZE } from "@/shop/sorting";

interface Props {
  market: Market;
  categoryId: number;
  /** As they stand in the address. */
  sort: string;
  filters: Filters | undefined;
}

async function categoryOf({ market, categoryId }: Props): Promise<Category> {
  return (await categories(market)).find((category) => category.id === categoryId) ?? notFound();
}

export async function categoryMetadata(props: Props): Promise<Metadata> {
  const category = await categoryOf(props);
  return {
    title: category.name,
    description: category.description,
    // Every order shows the same products: one address stands for all of them.
    alternates: { canonical: listingPath(category.id) },
  };
}

export async function CategoryListing(props: Props) {
  const { market, categoryId, sort, filters } = props;
  if (!isSort(sort) || !filters) notFound();
  const [category, page, choice] = await Promise.all([
    categoryOf(props),
    products(market, { categoryId, filters, sort, limit: PAGE_SIZE }),
    facets(market, { categoryId, filters }),
  ]);
  return (
    <Listing
      title={category.name}
      description={category.description}
      categoryId={category.id}
      wanted={{ filters, sort }}
      facets={choice}
      currency={market.currency}
      products={page.items}
      {...(page.next ? { next: page.next } : {})}
    />
  );
}
