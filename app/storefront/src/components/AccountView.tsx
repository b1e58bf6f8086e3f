"use client";
import Link from "next/link";
import { useState } from "react";
import { useOnline } from "@/offline/use";
import { signOut } from "@/shop/session";
import { Addresses } from "./Addresses";
import { Preferences } from "./Preferences";
import { useVisitor } from "./useVisitor";

export function AccountView() {
  const visitor = useVisitor();
  const online = useOnline();
  const [problem, setProblem] = useState("");

  if (visitor === undefined) return <div key="skeleton" className="skeleton mid" aria-hidden="true" />;
  if (visitor === null) return <SignInFirst next="/account" />;

  async function leave() {
    try {
      await signOut();
      // Not within the page, whose memory still holds what this visitor has seen.
      location.assign("/");
    } catch {
      setProblem("We couldn’t be reached, so you are still signed in.");
    }
  }

  return (
    <div className="split">
      <div className="form narrow sections">
        <Preferences visitor={visitor} />
        <Addresses visitor={visitor} />
      </div>
      <section className="card" aria-labelledby="who">
        <h2 id="who" className="long-words">
          {visitor.name}
        </h2>
        <p className="soft long-words">{visitor.email}</p>
        {visitor.tier === "premium" ? <p className="tag good">Premium member</p> : null}
        <Link href="/account/orders" className="button quiet">
          Your orders
        </Link>
        <Link href="/account/safety" className="button quiet">
          Password and devices
        </Link>
        <button type="button" className="button quiet" onClick={leave} disabled={!online}>
          Sign out
        </button>
        {problem ? (
          <p className="notice danger" role="alert">
            {problem}
          </p>
        ) : null}
        <p className="small soft">Signing out removes your cart and everything else of yours from this browser.</p>
      </section>
    </div>
  );
}

export function SignInFirst({ next }: { next: string }) {
  return (
    <div className="empty">
      <p className="soft">Sign in to see this page.</p>
      <Link href={`/login?next=${next}`} className="button">
        Sign in
      </Link>
    </div>
  );
}
