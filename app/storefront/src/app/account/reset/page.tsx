import type { Metadata } from "next";
import { ResetForm } from "@/components/MailedForm";

export const metadata: Metadata = { title: "Choose a new password", robots: { index: false } };

export default function Reset() {
  return (
    <>
      <header className="page-head">
        <h1>Choose a new password</h1>
        <p className="soft prose">After this you are signed out on all devices.</p>
      </header>
      <ResetForm />
    </>
  );
}
