import type { Metadata } from "next";
import { memberMarketFrom } from "@/app/[market]/market";
import { Home } from "@/views/Home";

/** A member's own prices: made for each request, kept by nobody. */
export const dynamic = "force-dynamic";
export const metadata: Metadata = { alternates: { canonical: "/" } };

export default async function HomePage({ params }: { params: Promise<{ market: string }> }) {
  return <Home market={await memberMarketFrom(params)} />;
}
