import type { Metadata } from "next";
import { marketFrom } from "@/app/[market]/market";
import { Home } from "@/views/Home";

export const revalidate = 3600;
/** None while building, when there is no API: every page is made when it is first asked for. */
export const generateStaticParams = () => [];
export const metadata: Metadata = { alternates: { canonical: "/" } };

export default async function HomePage({ params }: { params: Promise<{ market: string }> }) {
  return <Home market={await marketFrom(params)} />;
}
