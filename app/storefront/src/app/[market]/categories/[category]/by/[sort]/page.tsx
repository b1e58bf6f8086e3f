import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { Listing } from "@/components/Listing";
import type { Category } from "@/shop/catalogue";
import type { Market } from "@/shop/market";
import { categories, products } from "@/shop/server-api";
import { isSort, listingPath, PAGE_SIZE } from "@/shop/sorting";
import { idFrom, marketFrom } from "../../../../market";

export const revalidate = 3600;
export const generateStaticParams = () => [];

interface Props {
  params: Promise<{ market: string; category: string; sort: string }>;
}

async function categoryOf(market: Market, id: number): Promise<Category> {
  return (await categories(market)).find((category) => category.id === id) ?? notFound();
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { category: id, sort } = await params;
  const category = await categoryOf(await marketFrom(params), idFrom(id));
  return {
    title: category.name,
    description: category.description,
    alternates: { canonical: listingPath(category.id, isSort(sort) ? sort : undefined) },
  };
}

export default async function CategoryPage({ params }: Props) {
  const market = await marketFrom(params);
  const { category: id, sort } = await params;
  if (!isSort(sort)) notFound();
  const categoryId = idFrom(id);
  const [category, page] = await Promise.all([
    categoryOf(market, categoryId),
    products(market, { categoryId, sort, limit: PAGE_SIZE }),
  ]);
  return (
    <Listing title={category.name} description={category.description} categoryId={category.id} sort={sort} products={page.items} {...(page.next ? { next: page.next } : {})} />
  );
}
