"use client";
import { type ReactNode, useEffect, useRef } from "react";

/** Instead of a form that has had a mail sent. Whoever can't see the form go hears what happened. */
export function LookIntoYourMail({ email, children }: { email: string; children: ReactNode }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  return (
    <section className="card form">
      <h2 ref={title} tabIndex={-1}>
        Check your e-mail
      </h2>
      <p>
        We’ve sent a message to <strong>{email}</strong>. {children}
      </p>
      <p className="small soft">
        Nothing after a few minutes? Check your spam folder and the address above, then try again.
      </p>
    </section>
  );
}
