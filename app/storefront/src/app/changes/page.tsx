import type { Metadata } from "next";
import { ChangesView } from "@/components/ChangesView";

export const metadata: Metadata = { title: "Unsent changes", robots: { index: false } };

export default function Changes() {
  return (
    <>
      <header className="page-head">
        <h1>Unsent changes</h1>
        <p className="soft prose">
          What you did here that the shop doesn’t know yet. It is sent by itself, in this order, as soon as there is a
          connection.
        </p>
      </header>
      <ChangesView />
    </>
  );
}
