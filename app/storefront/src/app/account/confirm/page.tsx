import type { Metadata } from "next";
import { ConfirmForm } from "@/components/MailedForm";

export const metadata: Metadata = { title: "Almost there", robots: { index: false } };

export default function Confirm() {
  return (
    <>
      <header className="page-head">
        <h1>Almost there</h1>
        <p className="soft prose">One more step and your account is ready.</p>
      </header>
      <ConfirmForm />
    </>
  );
}
