import type { MetadataRoute } from "next";

export default function manifest(): MetadataRoute.Manifest {
  return {
    id: "/",
    name: "SIMONE",
    short_name: "SIMONE",
    description: "Well-made things for everyday life.",
    start_url: "/",
    display: "standalone",
    categories: ["shopping"],
    shortcuts: [
      { name: "Search", url: "/search" },
      { name: "Cart", url: "/cart" },
      { name: "Orders", url: "/account/orders" },
    ],
    background_color: "#faf8f4",
    theme_color: "#faf8f4",
    // The PNGs are made by tools/icons.mjs.
    icons: [
      ...[192, 512].flatMap((side) => [
        { src: `/icons/icon-${side}.png`, sizes: `${side}x${side}`, type: "image/png" },
        {
          src: `/icons/maskable-${side}.png`,
          sizes: `${side}x${side}`,
          type: "image/png",
          purpose: "maskable" as const,
        },
      ]),
      { src: "/icons/icon.svg", sizes: "any", type: "image/svg+xml" },
    ],
  };
}
