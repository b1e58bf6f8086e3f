import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { OrderView } from "@/components/OrderView";

interface Props {
  params: Promise<{ id: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Order ${(await params).id}`, robots: { index: false } };
}

export default async function Order({ params }: Props) {
  const { id } = await params;
  if (!/^[1-9]\d{0,15}$/.test(id)) notFound();
  return <OrderView id={Number(id)} />;
}
