"use client";
import { useState } from "react";
import { askForAccount } from "@/shop/account";
import { CountryField } from "./AddressFields";
import { EmailField, Field, NewPassword } from "./Field";
import { FormEnd } from "./FormEnd";
import { Link } from "./Link";
import { LookIntoYourMail } from "./LookIntoYourMail";
import { useCountry } from "./useCountry";
import { useForm } from "./useForm";

export function SignUpForm() {
  const [sentTo, setSentTo] = useState("");
  const here = useCountry() ?? "DE";
  const [chosen, setCountry] = useState<string>();
  const country = chosen ?? here;
  const { busy, problem, wrong, submit } = useForm(async (form) => {
    const email = String(form.get("email"));
    await askForAccount({
      email,
      password: String(form.get("new_password")),
      name: String(form.get("name")),
      country: String(form.get("country")),
    });
    setSentTo(email);
  });
  if (sentTo)
    return (
      <LookIntoYourMail email={sentTo}>
        It has a link to finish your account. The link works for 24 hours.
      </LookIntoYourMail>
    );
  return (
    <form className="form" method="post" onSubmit={submit}>
      <Field label="Name" name="name" autoComplete="name" wrong={wrong.name} />
      <EmailField wrong={wrong.email} />
      <NewPassword wrong={wrong.password} />
      <CountryField value={country} onChange={setCountry} />
      <FormEnd busy={busy} problem={problem} meanwhile="Creating your account…">
        Create account
      </FormEnd>
      <p className="small soft">
        Already have an account? <Link href="/login">Sign in</Link>
      </p>
    </form>
  );
}
