import type { Metadata } from "next";
import { SafetyView } from "@/components/SafetyView";

export const metadata: Metadata = { title: "Password and devices", robots: { index: false } };

export default function Safety() {
  return (
    <>
      <header className="page-head">
        <h1>Password and devices</h1>
        <p className="soft prose">Change your password, or sign out on every device.</p>
      </header>
      <SafetyView />
    </>
  );
}
