import { memberMarketFrom } from "@/app/[market]/market";
import { unpack, unpackWords } from "@/server/narrowed";
import { SEARCH_METADATA, Search } from "@/views/Search";

/** A member's own prices: made for each request, kept by nobody. */
export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ market: string; words: string; narrowed?: string[] }>;
}

export const metadata = SEARCH_METADATA;

export default async function SearchPage({ params }: Props) {
  const { words, narrowed } = await params;
  return <Search market={await memberMarketFrom(params)} words={unpackWords(words)} filters={unpack(narrowed)} />;
}
