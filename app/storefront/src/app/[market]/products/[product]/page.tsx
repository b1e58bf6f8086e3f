import type { Metadata } from "next";
import { idFrom, marketFrom } from "@/app/[market]/market";
import { ProductDetails, productMetadata } from "@/views/ProductDetails";

export const revalidate = 3600;
/** None while building, when there is no API: every page is made when it is first asked for. */
export const generateStaticParams = () => [];

interface Props {
  params: Promise<{ market: string; product: string }>;
}

const asked = async ({ params }: Props) => ({ market: await marketFrom(params), id: idFrom((await params).product) });

export const generateMetadata = async (props: Props): Promise<Metadata> => productMetadata(await asked(props));

export default async function ProductPage(props: Props) {
  return <ProductDetails {...await asked(props)} />;
}
