"use client";
import Link from "next/link";
import { type FormEvent, useEffect, useState } from "react";
import { adoptCart, cartLines } from "@/offline/cart";
import { type Address, type Draft, newDraft, storeDraft, storedDraft } from "@/offline/checkout";
import { probe } from "@/offline/connection";
import { queuedChanges, replay } from "@/offline/queue";
import { useOnline, useStored } from "@/offline/use";
import { ApiError, request } from "@/shop/browser-api";
import { money } from "@/shop/money";
import { Totals } from "./Totals";

const COUNTRIES = [
  ["AT", "Austria"],
  ["CH", "Switzerland"],
  ["DE", "Germany"],
  ["FR", "France"],
  ["GB", "United Kingdom"],
  ["NL", "Netherlands"],
  ["US", "United States"],
] as const;

interface Placed {
  id: number;
  total: number;
  currency: string;
}

export function CheckoutView() {
  const lines = useStored(cartLines, "cart", "signed-out");
  const online = useOnline();
  const [draft, setDraft] = useState<Draft>();
  const [problem, setProblem] = useState<{ text: string; signIn?: boolean }>();
  const [busy, setBusy] = useState(false);
  const [placed, setPlaced] = useState<Placed>();

  useEffect(() => {
    storedDraft().then(setDraft, () => setDraft(newDraft()));
  }, []);

  if (placed) {
    return (
      <div className="empty thanks" role="status">
        <h1>Thank you. Your order is on its way to us.</h1>
        <p className="soft">
          Order {placed.id}, {money(placed.total, placed.currency)}. It was a test payment: nothing was charged.
        </p>
        <Link href="/account/orders" className="button">
          See your orders
        </Link>
      </div>
    );
  }
  if (!lines || !draft) return <div className="skeleton tall" aria-hidden="true" />;
  if (!lines.length) {
    return (
      <div className="empty">
        <p className="soft">There is nothing in your cart to order.</p>
        <Link href="/products" className="button">
          Look around
        </Link>
      </div>
    );
  }

  function edit(part: Partial<Address>) {
    if (!draft) return;
    const next = { ...draft, address: { ...draft.address, ...part } };
    setDraft(next);
    storeDraft(next).catch(() => setProblem({ text: "This browser refuses to store what you fill in." }));
  }

  async function order(event: FormEvent) {
    event.preventDefault();
    if (!draft) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await replay();
      if ((await queuedChanges()).some((change) => change.endpoint === "/api/cart")) {
        throw new ApiError(503, "Your latest cart hasn’t reached us yet. Please try again in a moment.");
      }
      const made = await request(
        "POST",
        "/api/checkout",
        { shipping_address: draft.address, payment: { method: "test" } },
        { "idempotency-key": draft.key },
      );
      await adoptCart([]);
      await storeDraft({ ...draft, key: crypto.randomUUID() });
      setPlaced({ id: Number(made.id), total: Number(made.total), currency: String(made.currency) });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401)
        setProblem({ text: "Please sign in to order; your cart comes with you.", signIn: true });
      else if (error instanceof ApiError) setProblem({ text: error.message });
      else {
        void probe();
        setProblem({ text: "We couldn’t be reached, so nothing was ordered. What you filled in is kept." });
      }
    } finally {
      setBusy(false);
    }
  }

  const { address } = draft;
  return (
    <form className="split" onSubmit={order}>
      <div className="form narrow">
        {online ? null : (
          <p className="notice warn" role="status">
            You are offline. Fill everything in; it is kept, and you can order as soon as you’re back.
          </p>
        )}
        <fieldset>
          <legend>Where shall it go?</legend>
          <Field
            label="Name"
            name="name"
            autoComplete="name"
            value={address.name}
            onChange={(name) => edit({ name })}
          />
          <Field
            label="Street and number"
            name="street"
            autoComplete="street-address"
            value={address.street}
            onChange={(street) => edit({ street })}
          />
          <div className="field-row">
            <Field
              label="Postcode"
              name="postcode"
              autoComplete="postal-code"
              value={address.postcode}
              onChange={(postcode) => edit({ postcode })}
            />
            <Field
              label="City"
              name="city"
              autoComplete="address-level2"
              value={address.city}
              onChange={(city) => edit({ city })}
            />
          </div>
          <div className="field">
            <label htmlFor="country">Country</label>
            <select
              id="country"
              autoComplete="country"
              value={address.country}
              onChange={(event) => edit({ country: event.target.value })}
            >
              {COUNTRIES.map(([code, name]) => (
                <option key={code} value={code}>
                  {name}
                </option>
              ))}
            </select>
          </div>
        </fieldset>
        <fieldset>
          <legend>Payment</legend>
          <label className="check">
            <input type="radio" name="payment" defaultChecked /> Test payment: nothing is charged
          </label>
        </fieldset>
      </div>
      <aside className="card" aria-labelledby="summary">
        <h2 id="summary">Your order</h2>
        <ul role="list" className="totals small">
          {lines.map((line) => (
            <li key={line.productId}>
              <span>
                {line.quantity} × {line.name}
              </span>
              <span>{money(line.price * line.quantity, line.currency)}</span>
            </li>
          ))}
        </ul>
        <Totals lines={lines} />
        {problem ? (
          <p className="notice danger" role="alert">
            {problem.text} {problem.signIn ? <Link href="/login?next=/checkout">Sign in</Link> : null}
          </p>
        ) : null}
        <button type="submit" className="button wide" disabled={!online || busy}>
          {!online ? "Go online to order" : busy ? "Ordering…" : "Order now"}
        </button>
      </aside>
    </form>
  );
}

interface FieldProps {
  label: string;
  name: string;
  autoComplete: string;
  value: string;
  onChange: (value: string) => void;
}

function Field({ label, name, autoComplete, value, onChange }: FieldProps) {
  return (
    <div className="field">
      <label htmlFor={name}>{label}</label>
      <input
        id={name}
        name={name}
        autoComplete={autoComplete}
        required
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
