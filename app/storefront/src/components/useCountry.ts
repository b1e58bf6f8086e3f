"use client";
import { useParams, usePathname } from "next/navigation";
import { useSyncExternalStore } from "react";
import { countryHere } from "@/shop/country";
import { marketOf } from "@/shop/market";

const never = () => () => undefined;

/** The country that is chosen here. Pages of a market are made for it; any other learns it from its address, in the browser. */
export function useCountry(): string | undefined {
  const { market } = useParams();
  usePathname(); // another page: the address is read anew
  const here = useSyncExternalStore(never, countryHere, () => undefined);
  return (typeof market === "string" ? marketOf(market)?.chosen : undefined) ?? here;
}
