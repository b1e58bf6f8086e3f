import type { Metadata } from "next";
import { idFrom, memberMarketFrom } from "@/app/[market]/market";
import { ProductDetails, productMetadata } from "@/views/ProductDetails";

/** A member's own prices: made for each request, kept by nobody. */
export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ market: string; product: string }>;
}

const asked = async ({ params }: Props) => ({
  market: await memberMarketFrom(params),
  id: idFrom((await params).product),
});

export const generateMetadata = async (props: Props): Promise<Metadata> => productMetadata(await asked(props));

export default async function ProductPage(props: Props) {
  return <ProductDetails {...await asked(props)} />;
}
