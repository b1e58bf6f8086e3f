"use client";
import { useState } from "react";
import { askForReset } from "@/shop/account";
import { EmailField } from "./Field";
import { FormEnd } from "./FormEnd";
import { LookIntoYourMail } from "./LookIntoYourMail";
import { useForm } from "./useForm";

export function ForgotForm() {
  const [sentTo, setSentTo] = useState("");
  const { busy, problem, wrong, submit } = useForm(async (form) => {
    const email = String(form.get("email"));
    await askForReset(email);
    setSentTo(email);
  });
  if (sentTo)
    return (
      <LookIntoYourMail email={sentTo}>
        If there’s an account with this address, the e-mail has a link to choose a new password. It works for one hour.
      </LookIntoYourMail>
    );
  return (
    <form className="form" method="post" onSubmit={submit}>
      <EmailField wrong={wrong.email} />
      <FormEnd busy={busy} problem={problem} meanwhile="Sending…">
        Send me a link
      </FormEnd>
    </form>
  );
}
