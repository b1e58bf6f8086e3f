import type { Metadata } from "next";
import { SignUpForm } from "@/components/SignUpForm";

export const metadata: Metadata = { title: "Create an account", robots: { index: false } };

export default function NewAccount() {
  return (
    <>
      <header className="page-head">
        <h1>Create an account</h1>
        <p className="soft prose">Your orders and addresses in one place, on every device. Your cart comes with you.</p>
      </header>
      <SignUpForm />
    </>
  );
}
