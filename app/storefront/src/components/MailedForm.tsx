"use client";
import { type ReactNode, useState, useSyncExternalStore } from "react";
import { confirmAccount, resetPassword } from "@/shop/account";
import type { ApiError } from "@/shop/browser-api";
import { priced } from "@/shop/country";
import { leave } from "@/shop/leaving";
import { Field, NewPassword } from "./Field";
import { FormEnd } from "./FormEnd";
import { Link } from "./Link";
import { useForm } from "./useForm";

const WRONG_PASSWORD = 403;
const GONE = 410;

/** The token of a mail's link; empty: there is none; undefined: not known yet. */
const useToken = (): string | undefined => useSyncExternalStore<string | undefined>(watch, token, () => undefined);

const token = () => location.hash.slice(1);

function watch(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

interface Props {
  token: string | undefined;
  gone: boolean;
  /** Where to ask for another link. */
  again: { href: string; text: string };
  children: ReactNode;
}

function Mailed({ token, gone, again, children }: Props) {
  if (token === undefined) return <div key="skeleton" className="skeleton mid" aria-hidden="true" />;
  if (token && !gone) return <>{children}</>;
  return (
    <div className="empty">
      <p className="soft" role="alert">
        {gone
          ? "This link has been used or has expired."
          : "This page needs the full link from our e-mail. Please open it from there."}
      </p>
      <Link href={again.href} className="button">
        {again.text}
      </Link>
    </div>
  );
}

/** Finishes an account, by the link of a mail and the password that was chosen. */
export function ConfirmForm() {
  const token = useToken();
  const [gone, setGone] = useState(false);
  const { busy, problem, wrong, submit } = useForm(
    async (form) => {
      await confirmAccount(token ?? "", String(form.get("password")));
      // Not within the page: what it holds was made for somebody without an account.
      leave(priced("/account"));
    },
    (error: ApiError) => {
      if (error.status === GONE) setGone(true);
      return error.status === WRONG_PASSWORD
        ? { password: "This isn’t the password you chose when you signed up." }
        : undefined;
    },
  );
  return (
    <Mailed token={token} gone={gone} again={{ href: "/account/new", text: "Sign up again" }}>
      <form className="form" method="post" onSubmit={submit}>
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          hint="The one you chose when you signed up, so that nobody else can finish your account."
          wrong={wrong.password}
        />
        <FormEnd busy={busy} problem={gone ? "" : problem} meanwhile="Finishing…">
          Finish my account
        </FormEnd>
      </form>
    </Mailed>
  );
}

/** Sets a new password, by the link of a mail. */
export function ResetForm() {
  const token = useToken();
  const [gone, setGone] = useState(false);
  const [done, setDone] = useState(false);
  const { busy, problem, wrong, submit } = useForm(
    async (form) => {
      await resetPassword(token ?? "", String(form.get("new_password")));
      setDone(true);
    },
    (error: ApiError) => {
      if (error.status === GONE) setGone(true);
      return undefined;
    },
  );
  if (done)
    return (
      <div className="empty">
        <p role="status">Your password has been changed, and you’ve been signed out everywhere.</p>
        <Link href="/login" className="button">
          Sign in
        </Link>
      </div>
    );
  return (
    <Mailed token={token} gone={gone} again={{ href: "/account/forgot", text: "Get another link" }}>
      <form className="form" method="post" onSubmit={submit}>
        <NewPassword label="New password" wrong={wrong.new_password} />
        <FormEnd busy={busy} problem={gone ? "" : problem} meanwhile="Saving…">
          Save the new password
        </FormEnd>
      </form>
    </Mailed>
  );
}
