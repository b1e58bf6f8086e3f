import type { MetadataRoute } from "next";
import { MARKETS } from "@/shop/market";
import { publicOrigin } from "@/shop/origin";
import { categories, products } from "@/shop/server-api";
import { DEFAULT_SORT, listingPath } from "@/shop/sorting";

/** Not while building, when there is no API; what it asks for is kept as the pages' is. */
export const dynamic = "force-dynamic";

/** The most wanted; the listings lead to the others. */
const PRODUCTS = 1_000;

export default async function sitemap(): Promise<MetadataRoute.Sitemap> {
  const [market] = MARKETS;
  const [all, wanted] = await Promise.all([
    categories(market),
    products(market, { sort: DEFAULT_SORT, limit: PRODUCTS }),
  ]);
  const origin = publicOrigin();
  return [
    ...["/", "/products", "/categories", ...all.map(({ id }) => listingPath(id))].map((path) => ({
      url: origin + path,
    })),
    ...wanted.items.map(({ id, updatedAt }) => ({
      url: `${origin}/products/${id}`,
      ...(updatedAt ? { lastModified: updatedAt } : {}),
    })),
  ];
}
