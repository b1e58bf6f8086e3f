import type { MetadataRoute } from "next";
import { publicOrigin } from "@/shop/origin";

export const dynamic = "force-dynamic";

export default function robots(): MetadataRoute.Robots {
  return {
    rules: {
      userAgent: "*",
      allow: "/",
      disallow: ["/api/", "/account", "/cart", "/checkout", "/orders/", "/login", "/search"],
    },
    sitemap: `${publicOrigin()}/sitemap.xml`,
  };
}
