import type { Metadata } from "next";
import { ForgotForm } from "@/components/ForgotForm";

export const metadata: Metadata = { title: "Forgot your password?", robots: { index: false } };

export default function Forgot() {
  return (
    <>
      <header className="page-head">
        <h1>Forgot your password?</h1>
        <p className="soft prose">We’ll e-mail you a link to choose a new one.</p>
      </header>
      <ForgotForm />
    </>
  );
}
