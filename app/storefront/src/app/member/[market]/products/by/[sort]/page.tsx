import { memberMarketFrom } from "@/app/[market]/market";
import { ALL_PRODUCTS_METADATA, AllProducts } from "@/views/AllProducts";

/** A member's own prices: made for each request, kept by nobody. */
export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ market: string; sort: string }>;
}

export const metadata = ALL_PRODUCTS_METADATA;

export default async function AllProductsPage({ params }: Props) {
  return <AllProducts market={await memberMarketFrom(params)} sort={(await params).sort} />;
}
