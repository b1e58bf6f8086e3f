import path from "node:path";
import type { NextConfig } from "next";
import type { RouteHas } from "next/dist/lib/load-custom-routes";
import { base } from "./src/server/content-security.mjs";
import { CARD_WIDTHS, PAGE_WIDTHS, QUALITY } from "./src/shop/image-views.ts";
import { CHOSEN_MARKETS, type Market, MARKETS } from "./src/shop/market.ts";
import { cachingHeaders, notFoundSeconds } from "./tools/caching-policy.mjs";
import { PLACEHOLDER } from "./tools/preloads.mjs";

const root = import.meta.dirname;
const policy = process.env.CACHING_POLICY ?? path.join(root, "..", "caching.yaml");
/** Where hashed files are fetched from, such as https://cdn.example.com; unset: from the shop itself. */
const assets = process.env.ASSET_PREFIX;

const policyHeaders = cachingHeaders(policy);

const security = [
  { key: "Content-Security-Policy", value: base(assets ?? "") },
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
  { key: "Permissions-Policy", value: "camera=(), microphone=(), geolocation=(), payment=()" },
  { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
];

/** The addresses whose pages are made per market: prices differ, so each market's copy is a page of its own. */
const LISTINGS = ["/products", "/categories/:category"];
const SEARCH = "/search";
const MARKET_PAGES = ["/", "/products/:product(\\d+)", "/categories"];

/** The cookie that the API gives to members, whose prices are their own. A forged one shows nobody's prices but everybody's. */
const MEMBER = { type: "cookie" as const, key: "tier" };
/** Those of them that show prices, so that a member's are made for that member alone. */
const PRICED = [...LISTINGS, SEARCH, "/", "/products/:product(\\d+)"];

/** The country that the address names comes first, then where the edge says that the visitor is. */
function marketRewrites() {
  const [fallback, ...others] = MARKETS;
  const chosen = CHOSEN_MARKETS.map((market): [Market, RouteHas[]] => [
    market,
    [{ type: "query", key: "country", value: market.countries[0] }],
  ]);
  const there = others.map((market): [Market, RouteHas[]] => [
    market,
    [{ type: "header", key: "x-country", value: `(?:${market.countries.join("|")})` }],
  ]);
  return [...chosen, ...there, [fallback, []] as [Market, RouteHas[]]].flatMap(([market, here]) => [
    ...pages(`/member/${market.slug}`, PRICED, [...here, MEMBER]),
    ...pages(`/${market.slug}`, [...LISTINGS, SEARCH, ...MARKET_PAGES], here),
  ]);
}

const SORTED = { type: "query" as const, key: "sort", value: "(?<sort>[a-z-]+)" };
/** Of src/server/narrowed.ts. */
const NARROWED = { type: "query" as const, key: "narrowed", value: "(?<narrowed>[\\w-]+)" };
const WORDS = { type: "query" as const, key: "words", value: "(?<words>[\\w-]+)" };

const pages = (root: string, sources: string[], has: RouteHas[]) =>
  sources.flatMap((source) =>
    partsOf(source).map(([queries, path]) => ({
      source,
      ...only([...has, ...queries]),
      destination: root + path,
    })),
  );

/** What of an address's query becomes a part of its page's path. */
function partsOf(source: string): [queries: RouteHas[], path: string][] {
  if (source === SEARCH)
    return [
      [[WORDS, NARROWED], `${SEARCH}/:words/:narrowed`],
      [[WORDS], `${SEARCH}/:words`],
    ];
  if (LISTINGS.includes(source))
    return [
      [[SORTED, NARROWED], `${source}/by/:sort/:narrowed`],
      [[NARROWED], `${source}/by/popularity/:narrowed`],
      [[SORTED], `${source}/by/:sort`],
      [[], `${source}/by/popularity`],
    ];
  return [[[], source === "/" ? "" : source.replace("(\\d+)", "")]];
}

/** Pictures are made by src/app/pictures, which keeps what next/image would make anew for each spelling of an address. */
const pictures = { source: "/_next/image", destination: "/pictures" };
/** Those have headers of their own: a picture that is shown until the best one is made is kept by nobody. */
const isPicture = ({ source }: { source: string }) => source === pictures.source || source.startsWith("/images/");

const only = (has: RouteHas[]) => (has.length ? { has } : {});

/** Pages as documents, not their data for the router: what they need first (tools/preloads.mjs). */
const preloads = {
  source: "/((?!api/|_next/|images/|icons/|health|revalidate)[^.]*)",
  missing: [{ type: "header" as const, key: "rsc" }],
  headers: [{ key: "Link", value: PLACEHOLDER }],
};

/** What is made for one member is kept by nobody, whatever the policy says of the address. */
const memberHeaders = PRICED.map((source) => ({
  source,
  has: [MEMBER],
  headers: [
    { key: "Cache-Control", value: "private, no-store" },
    { key: "Cloudflare-CDN-Cache-Control", value: "no-store" },
  ],
}));

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: root,
  turbopack: { root },
  ...(assets ? { assetPrefix: assets } : {}),
  // `npm run check` does that, with the worker and the tools; once is enough.
  typescript: { ignoreBuildErrors: true },
  poweredByHeader: false,
  // src/server/codings.mjs does that.
  compress: false,
  reactStrictMode: true,
  cacheHandler: path.join(root, "src", "server", "page-cache.mjs"),
  // A page that was fetched for a pointer on its link is shown for half a minute: the least that Next takes, as prices may change.
  experimental: { inlineCss: true, staleTimes: { static: 30 } },
  images: {
    formats: ["image/avif", "image/webp"],
    qualities: [QUALITY],
    deviceSizes: PAGE_WIDTHS,
    imageSizes: CARD_WIDTHS,
    localPatterns: [{ pathname: "/images/**", search: "" }],
  },
  env: {
    PICTURE_HEADERS: JSON.stringify(policyHeaders.find(isPicture)?.headers ?? []),
    NOT_FOUND_SECONDS: String(notFoundSeconds(policy)),
  },
  headers: async () => [
    { source: "/:path*", headers: security },
    preloads,
    ...policyHeaders.filter((each) => !isPicture(each)),
    ...memberHeaders,
  ],
  rewrites: async () => ({ beforeFiles: [pictures, ...marketRewrites()], afterFiles: [], fallback: [] }),
};

export default config;
