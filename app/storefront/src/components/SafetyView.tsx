"use client";
import { useRef, useState } from "react";
import type { Visitor } from "@/offline/visitor";
import { changePassword, signOutEverywhere } from "@/shop/account";
import { priced } from "@/shop/country";
import { leave } from "@/shop/leaving";
import { Field, NewPassword } from "./Field";
import { FormEnd } from "./FormEnd";
import { SignInFirst } from "./SignInFirst";
import { useForm } from "./useForm";
import { useVisitor } from "./useVisitor";

const WRONG_PASSWORD = 403;

/** The password, and all devices that are signed in. */
export function SafetyView() {
  const visitor = useVisitor();
  if (visitor === undefined) return <div key="skeleton" className="skeleton mid" aria-hidden="true" />;
  return visitor ? <Safety visitor={visitor} /> : <SignInFirst next="/account/safety" />;
}

function Safety({ visitor }: { visitor: Visitor }) {
  const [done, setDone] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const change = useForm(
    async (data) => {
      setDone(false);
      await changePassword(visitor, String(data.get("current_password")), String(data.get("new_password")));
      form.current?.reset();
      setDone(true);
    },
    ({ status }) => (status === WRONG_PASSWORD ? { current_password: "That isn’t your current password." } : undefined),
  );
  const out = useForm(async () => {
    await signOutEverywhere(visitor);
    // Not within the page, whose memory still holds what this visitor has seen.
    leave(priced("/"));
  });
  return (
    <div className="form sections">
      <form ref={form} className="form" method="post" aria-labelledby="password-title" onSubmit={change.submit}>
        <h2 id="password-title">Change your password</h2>
        <input type="hidden" name="username" autoComplete="username" value={visitor.email} readOnly />
        <Field
          label="Current password"
          name="current_password"
          type="password"
          autoComplete="current-password"
          wrong={change.wrong.current_password}
        />
        <NewPassword label="New password" wrong={change.wrong.new_password} />
        {done ? (
          <p className="notice" role="status">
            Your password has been changed. All other devices have been signed out.
          </p>
        ) : null}
        <FormEnd busy={change.busy} problem={change.problem} meanwhile="Changing…" quiet>
          Change password
        </FormEnd>
      </form>
      <form className="form" method="post" aria-labelledby="devices-title" onSubmit={out.submit}>
        <h2 id="devices-title">All devices</h2>
        <p className="soft">
          Lost a phone, or left a browser signed in somewhere? This signs you out everywhere, here too.
        </p>
        <FormEnd busy={out.busy} problem={out.problem} meanwhile="Signing out…" quiet>
          Sign out everywhere
        </FormEnd>
      </form>
    </div>
  );
}
