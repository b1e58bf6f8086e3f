"use client";
import { type ReactNode, useEffect, useRef } from "react";

/** Instead of a form that has had a mail sent. Whoever can't see the form go hears what happened. */
export function LookIntoYourMail({ email, children }: { email: string; children: ReactNode }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  return (
    <section className="card form">
      <h2 ref={title} tabIndex={-1}>
        Look into your mail
      </h2>
      <p>
        We have written to <strong>{email}</strong>. {children}
      </p>
      <p className="small soft">
        Nothing there after a few minutes? Look among the spam, and check the address. You can ask again.
      </p>
    </section>
  );
}
