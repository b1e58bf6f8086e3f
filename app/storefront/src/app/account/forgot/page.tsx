import type { Metadata } from "next";
import { ForgotForm } from "@/components/ForgotForm";

export const metadata: Metadata = { title: "Forgotten your password?", robots: { index: false } };

export default function Forgot() {
  return (
    <>
      <header className="page-head">
        <h1>Forgotten your password?</h1>
        <p className="soft prose">It happens. We send you a link to choose a new one.</p>
      </header>
      <ForgotForm />
    </>
  );
}
