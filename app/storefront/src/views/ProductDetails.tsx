import type { Metadata } from "next";
import { ProductView } from "@/components/ProductView";
import type { Product } from "@/shop/catalogue";
import { imagePath } from "@/shop/image";
import type { Market } from "@/shop/market";
import { majorUnits } from "@/shop/money";
import { publicOrigin } from "@/shop/origin";
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
    openGraph: {
      title: product.name,
      description: product.description.slice(0, 160),
      url: `/products/${product.id}`,
      images: [{ url: imagePath(product.image), alt: product.name }],
    },
    twitter: { card: "summary_large_image" },
  };
}

export async function ProductDetails({ market, id }: Props) {
  const [product, reviews] = await Promise.all([fetchProduct(market, id), fetchReviews(market, id)]);
  return (
    <>
      <script type="application/ld+json" dangerouslySetInnerHTML={{ __html: structured(product) }} />
      <ProductView product={product} reviews={reviews} member={market.member === true} />
    </>
  );
}

/** The product for search engines: https://developers.google.com/search/docs/appearance/structured-data/product */
function structured(product: Product): string {
  const origin = publicOrigin();
  const json = JSON.stringify({
    "@context": "https://schema.org",
    "@type": "Product",
    name: product.name,
    description: product.description,
    sku: String(product.id),
    brand: { "@type": "Brand", name: product.brand },
    image: [origin + imagePath(product.image)],
    ...(product.price === null
      ? {} // not for sale here
      : {
          offers: {
            "@type": "Offer",
            url: `${origin}/products/${product.id}`,
            price: majorUnits(product.price, product.currency),
            priceCurrency: product.currency,
            availability: `https://schema.org/${product.stock > 0 ? "InStock" : "OutOfStock"}`,
          },
        }),
    ...(product.ratingCount
      ? {
          aggregateRating: {
            "@type": "AggregateRating",
            ratingValue: product.rating,
            reviewCount: product.ratingCount,
          },
        }
      : {}),
  });
  return json.replace(/</gu, "\\u003c"); // a description must not end the script
}
