import type { Metadata } from "next";
import { idFrom, memberMarketFrom } from "@/app/[market]/market";
import { unpack } from "@/server/narrowed";
import { CategoryListing, categoryMetadata } from "@/views/Category";

/** A member's own prices: made for each request, kept by nobody. */
export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ market: string; category: string; sort: string; narrowed?: string[] }>;
}

async function asked({ params }: Props) {
  const { category, sort, narrowed } = await params;
  return { market: await memberMarketFrom(params), categoryId: idFrom(category), sort, filters: unpack(narrowed) };
}

export const generateMetadata = async (props: Props): Promise<Metadata> => categoryMetadata(await asked(props));

export default async function CategoryPage(props: Props) {
  return <CategoryListing {...await asked(props)} />;
}
