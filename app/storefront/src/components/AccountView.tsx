"use client";
import { useState } from "react";
import { useOnline } from "@/offline/use-online";
import { priced } from "@/shop/country";
import { leave } from "@/shop/leaving";
import { signOut } from "@/shop/session";
import { Addresses } from "./Addresses";
import { Link } from "./Link";
import { Preferences } from "./Preferences";
import { Profile } from "./Profile";
import { SignInFirst } from "./SignInFirst";
import { Underway } from "./Underway";
import { useUnderway } from "./useUnderway";
import { useVisitor } from "./useVisitor";

export function AccountView() {
  const visitor = useVisitor();
  const online = useOnline();
  const [problem, setProblem] = useState("");
  const [leaving, start] = useUnderway();

  if (visitor === undefined) return <div key="skeleton" className="skeleton mid" aria-hidden="true" />;
  if (visitor === null) return <SignInFirst next="/account" />;

  async function out() {
    try {
      await signOut();
      // Not within the page, whose memory still holds what this visitor has seen.
      leave(priced("/"));
    } catch {
      setProblem("We couldn’t reach the shop, so you’re still signed in.");
    }
  }

  return (
    <div className="split">
      <div className="form narrow sections">
        <Preferences visitor={visitor} />
        <Profile visitor={visitor} />
        <Addresses visitor={visitor} />
      </div>
      <section className="card" aria-labelledby="who">
        <h2 id="who">{visitor.name}</h2>
        <p className="soft">{visitor.email}</p>
        {visitor.tier === "premium" ? <p className="tag good">Premium member</p> : null}
        <Link href="/account/orders" className="button quiet">
          Your orders
        </Link>
        <Link href="/account/safety" className="button quiet">
          Password and devices
        </Link>
        <button type="button" className="button quiet" onClick={() => start(out)} disabled={!online || leaving}>
          Sign out
          {leaving ? <Underway /> : null}
        </button>
        {problem ? (
          <p className="notice danger" role="alert">
            {problem}
          </p>
        ) : null}
        <p className="small soft">Signing out removes your cart and all your other data from this browser.</p>
      </section>
    </div>
  );
}
