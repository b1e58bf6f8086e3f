import type { Metadata } from "next";
import { ProductView } from "@/components/ProductView";
import { imagePath } from "@/shop/image";
import type { Market } from "@/shop/market";
import { product as fetchProduct, reviews as fetchReviews } from "@/shop/server-api";

interface Props {
  market: Market;
  id: number;
}

export async function productMetadata({ market, id }: Props): Promise<Metadata> {
  const product = await fetchProduct(market, id);
  return {
    title: product.name,
    description: product.description.slice(0, 160),
    alternates: { canonical: `/products/${product.id}` },
    openGraph: { title: product.name, images: [imagePath(product.image)] },
  };
}

export async function ProductDetails({ market, id }: Props) {
  const [product, reviews] = await Promise.all([fetchProduct(market, id), fetchReviews(market, id)]);
  return <ProductView product={product} reviews={reviews} member={market.member === true} />;
}
