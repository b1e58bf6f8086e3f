import type { Metadata } from "next";
import { marketFrom } from "@/app/[market]/market";
import { AllProducts, allProductsMetadata } from "@/views/AllProducts";

export const revalidate = 3600;
/** None while building, when there is no API: every page is made when it is first asked for. */
export const generateStaticParams = () => [];

interface Props {
  params: Promise<{ market: string; sort: string }>;
}

export const generateMetadata = async ({ params }: Props): Promise<Metadata> =>
  allProductsMetadata((await params).sort);

export default async function AllProductsPage({ params }: Props) {
  return <AllProducts market={await marketFrom(params)} sort={(await params).sort} />;
}
