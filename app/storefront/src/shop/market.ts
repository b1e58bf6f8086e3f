/**
 * A market is a currency and the way it is written. The visitor's country chooses it: the edge sets `X-Country`,
 * `next.config.ts` rewrites the public address to the market's page, so that each market's pages are cached apart.
 */
export interface Market {
  slug: string;
  currency: string;
  locale: string;
  /** ISO 3166 codes that shop in this currency; the first market takes everybody else. */
  countries: readonly string[];
  /** Prices of whoever is asking, by their session, instead of everybody's: such a page is nobody else's. */
  member?: true;
}

const EUR: Market = { slug: "eur", currency: "EUR", locale: "en-IE", countries: ["DE"] };

export const MARKETS: readonly [Market, ...Market[]] = [
  EUR,
  { slug: "usd", currency: "USD", locale: "en-US", countries: ["US"] },
  { slug: "gbp", currency: "GBP", locale: "en-GB", countries: ["GB"] },
];

export const marketOf = (slug: string): Market | undefined => MARKETS.find((market) => market.slug === slug);

const MEMBER_MARKETS: readonly Market[] = MARKETS.map((market) => ({ ...market, member: true }));

export const memberMarketOf = (slug: string): Market | undefined =>
  MEMBER_MARKETS.find((market) => market.slug === slug);

export const marketOfCurrency = (currency: string): Market =>
  MARKETS.find((market) => market.currency === currency) ?? EUR;
