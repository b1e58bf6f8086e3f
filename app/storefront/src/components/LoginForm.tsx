"use client";
import { priced } from "@/shop/country";
import { leave } from "@/shop/leaving";
import { signIn } from "@/shop/session";
import { EmailField, Field } from "./Field";
import { FormEnd } from "./FormEnd";
import { Link } from "./Link";
import { useForm } from "./useForm";

const WRONG = 401;

/** Where to go after signing in: only to a page of the shop, whatever the address says. */
function destination(): string {
  const next = new URLSearchParams(location.search).get("next") ?? "";
  return priced(/^\/(?!\/)[\w/-]*$/.test(next) ? next : "/account");
}

export function LoginForm() {
  const { busy, problem, wrong, submit } = useForm(
    async (form) => {
      await signIn(String(form.get("email")), String(form.get("password")));
      // Not within the page: what it holds of others was made for somebody without an account.
      leave(destination());
    },
    ({ status }) => (status === WRONG ? "That e-mail address and password don’t match." : undefined),
  );
  return (
    <form className="form" method="post" onSubmit={submit}>
      <EmailField wrong={wrong.email} />
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        wrong={wrong.password ? "Please check your password." : ""}
      />
      <FormEnd busy={busy} problem={problem} meanwhile="Signing in…">
        Sign in
      </FormEnd>
      <p className="small">
        <Link href="/account/forgot">Forgot your password?</Link>
      </p>
      <p className="small soft">
        New here? <Link href="/account/new">Create an account</Link>, or order as a guest.
      </p>
    </form>
  );
}
