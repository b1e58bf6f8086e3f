import type { Metadata } from "next";
import { LoginForm } from "@/components/LoginForm";

export const metadata: Metadata = { title: "Sign in", robots: { index: false } };

export default function Login() {
  return (
    <>
      <header className="page-head">
        <h1>Welcome back</h1>
        <p className="soft">Your cart comes with you.</p>
      </header>
      <LoginForm />
    </>
  );
}
