"use client";
import { type FormEvent, useState } from "react";
import { probe } from "@/offline/connection";
import { useOnline } from "@/offline/use";
import { ApiError } from "@/shop/browser-api";
import { signIn } from "@/shop/session";

/** Where to go after signing in: only to a page of the shop, whatever the address says. */
function destination(): string {
  const next = new URLSearchParams(location.search).get("next") ?? "";
  return /^\/(?!\/)[\w/-]*$/.test(next) ? next : "/account";
}

export function LoginForm() {
  const online = useOnline();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      await signIn(String(form.get("email")), String(form.get("password")));
      // Not within the page: what it holds of others was made for somebody without an account.
      location.assign(destination());
    } catch (error) {
      if (error instanceof ApiError)
        setProblem(error.status === 401 ? "This e-mail address and password don’t belong together." : error.message);
      else {
        void probe();
        setProblem("We can’t be reached. Are you online?");
      }
      setBusy(false);
    }
  }

  return (
    <form className="form" method="post" onSubmit={submit}>
      <div className="field">
        <label htmlFor="email">E-mail address</label>
        <input id="email" name="email" type="email" autoComplete="username" required />
      </div>
      <div className="field">
        <label htmlFor="password">Password</label>
        <input id="password" name="password" type="password" autoComplete="current-password" required />
      </div>
      {problem ? (
        <p className="notice danger" role="alert">
          {problem}
        </p>
      ) : null}
      <button type="submit" className="button" disabled={busy || !online}>
        {online ? (busy ? "Signing in…" : "Sign in") : "Go online to sign in"}
      </button>
    </form>
  );
}
