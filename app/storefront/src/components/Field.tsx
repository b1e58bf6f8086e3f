"use client";
import type { InputHTMLAttributes } from "react";

/** `name` is its id as well: a page has one field of a name. */
interface Props extends Omit<InputHTMLAttributes<HTMLInputElement>, "id"> {
  label: string;
  name: string;
  /** What is asked for, under the field. */
  hint?: string | undefined;
  /** What is wrong with what was filled in; empty: nothing. */
  wrong?: string | undefined;
}

/** A labelled field; what is asked for and what is wrong are read out with it. */
export function Field({ label, hint, wrong, ...input }: Props) {
  const id = input.name;
  const told = [hint ? `${id}-hint` : "", wrong ? `${id}-wrong` : ""].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        required
        maxLength={200}
        aria-invalid={wrong ? true : undefined}
        aria-describedby={told || undefined}
        {...input}
      />
      {hint ? (
        <p id={`${id}-hint`} className="small soft">
          {hint}
        </p>
      ) : null}
      {wrong ? (
        <p id={`${id}-wrong`} className="field-error">
          {wrong}
        </p>
      ) : null}
    </div>
  );
}

/** For a new password. */
export function NewPassword({ wrong, label = "Password" }: { wrong?: string | undefined; label?: string }) {
  return (
    <Field
      label={label}
      name="new_password"
      type="password"
      autoComplete="new-password"
      minLength={8}
      hint="At least 8 characters. A few words in a row are easy to remember."
      wrong={wrong}
    />
  );
}

export function EmailField(props: Partial<Props>) {
  return <Field label="E-mail address" name="email" type="email" autoComplete="username" maxLength={254} {...props} />;
}
