import type { Metadata } from "next";
import { OfflineView } from "@/components/OfflineView";

export const metadata: Metadata = { title: "Offline", robots: { index: false } };

/** Given by the service worker in place of any page that it neither can fetch nor has kept. */
export default function Offline() {
  return <OfflineView />;
}
