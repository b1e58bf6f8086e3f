import type { Metadata } from "next";
import { memberMarketFrom } from "@/app/[market]/market";
import { AllProducts, allProductsMetadata } from "@/views/AllProducts";

/** A member's own prices: made for each request, kept by nobody. */
export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ market: string; sort: string }>;
}

export const generateMetadata = async ({ params }: Props): Promise<Metadata> =>
  allProductsMetadata((await params).sort);

export default async function AllProductsPage({ params }: Props) {
  return <AllProducts market={await memberMarketFrom(params)} sort={(await params).sort} />;
}
