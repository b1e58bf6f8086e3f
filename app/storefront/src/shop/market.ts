/**
 * A market is a currency, the way it is written, and what is true where it is used. The visitor's country chooses it: the one in
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
  /** What is said of taxes beside a total, as a sentence; nothing is added to any price. */
  taxes: string;
  /** After "delivered". */
  delivery: string;
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
  taxes: "Including VAT.",
  delivery: "in two days",
};

export const MARKETS: readonly [Market, ...Market[]] = [
  EUR,
  {
    slug: "gbp",
    name: "United Kingdom",
    currency: "GBP",
    locale: "en-GB",
    countries: ["GB"],
    taxes: "Including VAT and duties.",
    delivery: "in three days",
  },
  {
    slug: "usd",
    name: "United States",
    currency: "USD",
    locale: "en-US",
    countries: ["US"],
    taxes: "Nothing is added for sales tax or duties.",
    delivery: "in five days",
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
