import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { Listing } from "@/components/Listing";
import { products } from "@/shop/server-api";
import { isSort, listingPath, PAGE_SIZE } from "@/shop/sorting";
import { marketFrom } from "../../../market";

export const revalidate = 3600;
/** None while building, when there is no API: every page is made when it is first asked for. */
export const generateStaticParams = () => [];

interface Props {
  params: Promise<{ market: string; sort: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { sort } = await params;
  return { title: "Everything", alternates: { canonical: listingPath(undefined, isSort(sort) ? sort : undefined) } };
}

export default async function AllProducts({ params }: Props) {
  const market = await marketFrom(params);
  const { sort } = await params;
  if (!isSort(sort)) notFound();
  const page = await products(market, { sort, limit: PAGE_SIZE });
  return <Listing title="Everything" description="The whole shop, in one long shelf." sort={sort} products={page.items} {...(page.next ? { next: page.next } : {})} />;
}
