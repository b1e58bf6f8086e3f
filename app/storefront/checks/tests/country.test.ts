import { expect, test, vi } from "vitest";
import { countryHere, countryIn, inCountry, priced } from "@/shop/country";
import { marketOf, MARKETS } from "@/shop/market";

test.each([
  ["/", "/?country=GB"],
  ["/products?sort=price", "/products?sort=price&country=GB"],
  ["/products?country=US&sort=price", "/products?country=GB&sort=price"],
  ["/categories#kitchen", "/categories?country=GB#kitchen"],
  ["https://example.com/", "https://example.com/"],
])("%s for Britain is %s", (address, there) => {
  expect(inCountry(address, "GB")).toBe(there);
  expect(inCountry(address, undefined)).toBe(address);
});

test.each([
  ["?country=GB", "GB"],
  ["?q=lamp&country=US", "US"],
  ["?country=gb", undefined],
  ["?country=XX", undefined],
  ["?country=", undefined],
  ["", undefined],
])("%j chooses %s", (query, country) => {
  expect(countryIn(query)).toBe(country);
});

test("without an address there is no choice; with one, addresses of prices have it", () => {
  expect(countryHere()).toBeUndefined();
  expect(priced("/api/cart")).toBe("/api/cart");
  vi.stubGlobal("location", { search: "?country=US" });
  expect(priced("/api/cart")).toBe("/api/cart?country=US");
});

test("a market that was chosen has the prices of the one by place, and links of its own", () => {
  for (const market of MARKETS) {
    const chosen = marketOf(market.countries[0].toLowerCase());
    expect(chosen).toEqual({ ...market, slug: chosen?.slug, chosen: market.countries[0] });
    expect(marketOf(market.slug)?.chosen).toBeUndefined();
  }
});
