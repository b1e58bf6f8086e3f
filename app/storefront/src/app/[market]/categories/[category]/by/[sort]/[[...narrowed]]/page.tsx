import type { Metadata } from "next";
import { idFrom, marketFrom } from "@/app/[market]/market";
import { unpack } from "@/server/narrowed";
import { CategoryListing, categoryMetadata } from "@/views/Category";

export const revalidate = 3600;
/** None while building, when there is no API: every page is made when it is first asked for. */
export const generateStaticParams = () => [];

interface Props {
  params: Promise<{ market: string; category: string; sort: string; narrowed?: string[] }>;
}

async function asked({ params }: Props) {
  const { category, sort, narrowed } = await params;
  return { market: await marketFrom(params), categoryId: idFrom(category), sort, filters: unpack(narrowed) };
}

export const generateMetadata = async (props: Props): Promise<Metadata> => categoryMetadata(await asked(props));

export default async function CategoryPage(props: Props) {
  return <CategoryListing {...await asked(props)} />;
}
