import { marketFrom } from "@/app/[market]/market";
import { unpack } from "@/server/narrowed";
import { ALL_PRODUCTS_METADATA, AllProducts } from "@/views/AllProducts";

export const revalidate = 3600;
/** None while building, when there is no API: every page is made when it is first asked for. */
export const generateStaticParams = () => [];

interface Props {
  params: Promise<{ market: string; sort: string; narrowed?: string[] }>;
}

export const metadata = ALL_PRODUCTS_METADATA;

export default async function AllProductsPage({ params }: Props) {
  const { sort, narrowed } = await params;
  return <AllProducts market={await marketFrom(params)} sort={sort} filters={unpack(narrowed)} />;
}
