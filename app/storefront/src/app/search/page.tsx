import { Suspense } from "react";
import { AskedSearch } from "@/components/AskedSearch";
import { SEARCH_METADATA } from "@/views/Search";

export const metadata = SEARCH_METADATA;

/** What the server makes no page for (src/server/narrowed.ts), and what an offline search starts from. */
export default function Search() {
  return (
    <Suspense fallback={<h1 className="page-head">Search</h1>}>
      <AskedSearch />
    </Suspense>
  );
}
