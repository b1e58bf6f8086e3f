import type { Metadata } from "next";
import { ChangesView } from "@/components/ChangesView";

export const metadata: Metadata = { title: "Unsent changes", robots: { index: false } };

export default function Changes() {
  return (
    <>
      <header className="page-head">
        <h1>Unsent changes</h1>
        <p className="soft prose">
          Changes you made here that haven’t reached the shop yet. They are sent in this order as soon as there is a
          connection.
        </p>
      </header>
      <ChangesView />
    </>
  );
}
