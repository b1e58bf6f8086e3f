/**
 * The country that a visitor has chosen, whose prices they see. It is a part of the address, so that caches
 * and links hold; where none is chosen, the edge's word on where the visitor is counts.
 */
import { MARKETS } from "./market";

export const COUNTRY = "country";

/** One of each market stands for all of them. */
export const COUNTRIES: readonly string[] = MARKETS.map(({ countries }) => countries[0]);

/** What a query says; any other country is as none. */
export function countryIn(query: string): string | undefined {
  const asked = new URLSearchParams(query).get(COUNTRY) ?? "";
  return COUNTRIES.includes(asked) ? asked : undefined;
}

/** Of the page's address; on the server: none. */
export const countryHere = (): string | undefined =>
  typeof location === "undefined" ? undefined : countryIn(location.search);

/** An address within the shop, for that country. */
export function inCountry(address: string, country: string | undefined): string {
  if (!country || !address.startsWith("/")) return address;
  const [, path = "", query = "", fragment = ""] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/.exec(address) ?? [];
  const all = new URLSearchParams(query);
  all.set(COUNTRY, country);
  return `${path}?${all}${fragment}`;
}

/** An address of the API whose answer has prices, for the country that is chosen here. */
export const priced = (address: string): string => inCountry(address, countryHere());
