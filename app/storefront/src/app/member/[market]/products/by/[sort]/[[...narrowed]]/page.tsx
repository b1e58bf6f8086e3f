import { memberMarketFrom } from "@/app/[market]/market";
import { unpack } from "@/server/narrowed";
import { ALL_PRODUCTS_METADATA, AllProducts } from "@/views/AllProducts";

/** A member's own prices: made for each request, kept by nobody. */
export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ market: string; sort: string; narrowed?: string[] }>;
}

export const metadata = ALL_PRODUCTS_METADATA;

export default async function AllProductsPage({ params }: Props) {
  const { sort, narrowed } = await params;
  return <AllProducts market={await memberMarketFrom(params)} sort={sort} filters={unpack(narrowed)} />;
}
