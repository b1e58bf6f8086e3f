import type { Metadata } from "next";
import { ProductView } from "@/components/ProductView";
import { imagePath } from "@/shop/image";
import { product as fetchProduct, reviews as fetchReviews } from "@/shop/server-api";
import { idFrom, marketFrom } from "../../market";

export const revalidate = 3600;
export const generateStaticParams = () => [];

interface Props {
  params: Promise<{ market: string; product: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const product = await fetchProduct(await marketFrom(params), idFrom((await params).product));
  return {
    title: product.name,
    description: product.description.slice(0, 160),
    alternates: { canonical: `/products/${product.id}` },
    openGraph: { title: product.name, images: [imagePath(product.image)] },
  };
}

export default async function ProductPage({ params }: Props) {
  const market = await marketFrom(params);
  const id = idFrom((await params).product);
  const [product, reviews] = await Promise.all([fetchProduct(market, id), fetchReviews(market, id)]);
  return <ProductView product={product} reviews={reviews} />;
}
