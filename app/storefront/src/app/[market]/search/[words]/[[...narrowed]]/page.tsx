import { marketFrom } from "@/app/[market]/market";
import { unpack, unpackWords } from "@/server/narrowed";
import { SEARCH_METADATA, Search } from "@/views/Search";

/** As long as the API's answer is kept: a page without what was found, since the API was away, is soon made anew. */
export const revalidate = 300;
export const generateStaticParams = () => [];

interface Props {
  params: Promise<{ market: string; words: string; narrowed?: string[] }>;
}

export const metadata = SEARCH_METADATA;

export default async function SearchPage({ params }: Props) {
  const { words, narrowed } = await params;
  return <Search market={await marketFrom(params)} words={unpackWords(words)} filters={unpack(narrowed)} />;
}
