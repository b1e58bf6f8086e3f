import type { Metadata } from "next";
import { AccountView } from "@/components/AccountView";

export const metadata: Metadata = { title: "Your account", robots: { index: false } };

export default function Account() {
  return (
    <>
      <header className="page-head">
        <h1>Your account</h1>
      </header>
      <AccountView />
    </>
  );
}
