"use client";
import { useSearchParams } from "next/navigation";
import { wantedIn } from "@/shop/filters";
import { SearchResults } from "./SearchResults";

/** What the address asks for, found by the browser. */
export function AskedSearch() {
  const query = new URLSearchParams(useSearchParams());
  return <SearchResults words={query.get("q")?.trim() ?? ""} wanted={wantedIn(query)} />;
}
