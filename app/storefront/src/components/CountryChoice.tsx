"use client";
import type { FormEvent } from "react";
import { COUNTRY } from "@/shop/country";
import { leave } from "@/shop/leaving";
import { MARKETS } from "@/shop/market";
import { useCountry } from "./useCountry";

/** Which country's prices are shown. A plain form: without its script the browser goes there by itself. */
export function CountryChoice() {
  const chosen = useCountry() ?? "";

  function choose(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const country = String(new FormData(event.currentTarget).get(COUNTRY));
    const address = new URL(location.href);
    if (country) address.searchParams.set(COUNTRY, country);
    else address.searchParams.delete(COUNTRY);
    // Not within the page, whose memory holds the other currency's prices.
    leave(address);
  }

  return (
    <form className="field" onSubmit={choose}>
      <label htmlFor="shop-country">Country and currency</label>
      <select key={chosen} id="shop-country" name={COUNTRY} defaultValue={chosen}>
        <option value="">Based on where I am</option>
        {MARKETS.map(({ name, currency, countries: [country] }) => (
          <option key={country} value={country}>
            {name} ({currency})
          </option>
        ))}
      </select>
      <button type="submit" className="button quiet small">
        Show these prices
      </button>
    </form>
  );
}
