import type { Metadata } from "next";
import { ResetForm } from "@/components/MailedForm";

export const metadata: Metadata = { title: "Choose a new password", robots: { index: false } };

export default function Reset() {
  return (
    <>
      <header className="page-head">
        <h1>Choose a new password</h1>
        <p className="soft prose">You’ll be signed out on all your devices.</p>
      </header>
      <ResetForm />
    </>
  );
}
