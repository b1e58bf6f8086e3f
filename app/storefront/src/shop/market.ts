/**
 * A market is a currency and the way it is written. The visitor's country chooses it: the one in
 * the address, else the edge sets `X-Country`. `next.config.ts` rewrites the public address to the market's page, so that
 * each market's pages are cached apart.
 */
export interface Market {
  slug: string;
  name: string;
  currency: string;
  locale: string;
  /** ISO 3166 codes that shop in this currency; the first market takes everybody else. */
  countries: readonly [string, ...string[]];
  /** The country in the address, which the page's links keep. */
  chosen?: string;
  /** Prices of whoever is asking, by their session, instead of everybody's: such a page is nobody else's. */
  member?: true;
}

const EUR: Market = {
  slug: "eur",
  name: "Europe",
  currency: "EUR",
  locale: "en-IE",
  countries: ["DE"],
};

export const MARKETS: readonly [Market, ...Market[]] = [
  EUR,
  {
    slug: "gbp",
    name: "United Kingdom",
    currency: "GBP",
    locale: "en-GB",
    countries: ["GB"],
  },
  {
    slug: "usd",
    name: "United States",
    currency: "USD",
    locale: "en-US",
    countries: ["US"],
  },
];

/** The same for whoever has chosen the country, whose links are others. */
export const CHOSEN_MARKETS: readonly Market[] = MARKETS.map((market) => ({
  ...market,
  slug: market.countries[0].toLowerCase(),
  chosen: market.countries[0],
}));

const ALL = [...MARKETS, ...CHOSEN_MARKETS];

export const marketOf = (slug: string): Market | undefined => ALL.find((market) => market.slug === slug);

export function memberMarketOf(slug: string): Market | undefined {
  const market = marketOf(slug);
  return market && { ...market, member: true };
}

export const marketOfCurrency = (currency: string): Market =>
  MARKETS.find((market) => market.currency === currency) ?? EUR;
