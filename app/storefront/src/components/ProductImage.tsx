import Image from "next/image";
import { placeholder } from "@/shop/blurhash";
import type { Product } from "@/shop/catalogue";
import { imagePath } from "@/shop/image";
import type { View } from "@/shop/image-views";

interface Props {
  product: Pick<Product, "image" | "blurhash">;
  alt: string;
  /** How wide it is shown, as CSS `sizes`. */
  sizes: string;
  view?: View;
  /** The page's main picture: fetched at once, with priority. */
  preload?: boolean;
}

/** A product's square picture: AVIF, WebP or JPEG in the width that is needed, its blur hash until it is there. */
export function ProductImage({ product, alt, sizes, view = "front", preload = false }: Props) {
  const blur = placeholder(product.blurhash);
  return (
    <Image
      src={imagePath(product.image, view)}
      alt={alt}
      width={1000}
      height={1000}
      sizes={sizes}
      quality={85}
      {...(preload ? { preload: true, fetchPriority: "high" as const } : {})}
      {...(blur ? { placeholder: blur } : {})}
    />
  );
}
