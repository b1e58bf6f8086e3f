import type { MetadataRoute } from "next";
import { MARKETS } from "@/shop/market";
import { publicOrigin } from "@/shop/origin";
import { categories, products } from "@/shop/server-api";
import { DEFAULT_SORT, listingPath } from "@/shop/sorting";

/** Not while building, when there is no API; what it asks for is kept as the pages' is. */
export const dynamic = "force-dynamic";

/** Products in one question to the API, its limit. */
const PAGE = 1_000;
/** Addresses in one sitemap: sitemaps.org/protocol.html. A larger shop needs an index of several. */
const MOST = 50_000;

export default async function sitemap(): Promise<MetadataRoute.Sitemap> {
  const [market] = MARKETS;
  const origin = publicOrigin();
  const entries: MetadataRoute.Sitemap = [
    "/",
    "/products",
    "/categories",
    ...(await categories(market)).map(({ id }) => listingPath(id)),
  ].map((path) => ({ url: origin + path }));
  let cursor: string | undefined;
  do {
    const page = await products(market, { sort: DEFAULT_SORT, limit: PAGE, ...(cursor ? { cursor } : {}) });
    for (const { id, updatedAt } of page.items)
      entries.push({ url: `${origin}/products/${id}`, ...(updatedAt ? { lastModified: updatedAt } : {}) });
    cursor = page.next;
  } while (cursor && entries.length < MOST);
  return entries.slice(0, MOST);
}
