"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useCallback, useEffect, useRef, useState } from "react";
import { cartLines, forgetOrdered, sendCart } from "@/offline/cart";
import { type Address, type Draft, newDraft, type Placing, storeDraft, storedDraft } from "@/offline/checkout";
import { probe } from "@/offline/connection";
import { queuedChanges } from "@/offline/queue";
import { useStored } from "@/offline/use";
import { useOnline } from "@/offline/use-online";
import { keepAddress } from "@/shop/account";
import { ApiError, request } from "@/shop/browser-api";
import { priced } from "@/shop/country";
import { money } from "@/shop/money";
import { fetchCart } from "@/shop/session";
import { fetchQuote, type Order, placedWith, type Quote, toOrder, toQuote } from "@/shop/orders";
import { AddressFields } from "./AddressFields";
import { EmailField } from "./Field";
import { LineProblem, problemOf } from "./LineProblem";
import { Link } from "./Link";
import { differences } from "./quote-differences";
import { same, SavedAddresses } from "./SavedAddresses";
import { sumOf, Totals } from "./Totals";
import { useAddresses } from "./useAddresses";
import { useVisitor } from "./useVisitor";

/** How often the shop is asked what became of an order whose response was lost, before the customer decides. */
const ASKED = 4;
const PAUSE_MS = 1_500;
/** Pause until the shop is asked again when it couldn't be reached. */
const AGAIN_MS = 5_000;
const INVALID = 422;
const CONFLICT = 409;
const SIGN_IN = 401;

/** `unknown`: the shop may have the order, and can't be asked at the moment. */
type State = "filling" | "ordering" | "checking" | "unknown" | "placed";

const PARTS: Record<string, string> = {
  email: "e-mail address",
  name: "name",
  street: "street and number",
  postcode: "postcode",
  city: "city",
  country: "country",
};

/** The fields that the shop doesn't take, as the form calls them. */
function wrongParts(error: ApiError): string[] {
  const errors = Array.isArray(error.problem.errors) ? (error.problem.errors as { field?: unknown }[]) : [];
  return errors.flatMap(({ field }) => PARTS[String(field).split(".").at(-1) ?? ""] ?? []);
}

const cartOnItsWay = async (): Promise<boolean> =>
  (await queuedChanges()).some((change) => change.endpoint === "/api/cart");

export function CheckoutView() {
  const lines = useStored(cartLines, "cart", "signed-out");
  const unsent = useStored(cartOnItsWay, "queue", "signed-out");
  const online = useOnline();
  const visitor = useVisitor();
  const [addresses] = useAddresses(visitor);
  const router = useRouter();
  const [draft, setDraft] = useState<Draft>();
  const [quote, setQuote] = useState<Quote>();
  const [changed, setChanged] = useState<string[]>([]);
  const [problem, setProblem] = useState<{ text: string; signIn?: boolean; whileStuck?: boolean }>();
  const [state, setState] = useState<State>("filling");
  /** How often today's prices were to be asked for again. */
  const [attempt, setAttempt] = useState(0);

  const store = useCallback((next: Draft) => {
    setDraft(next);
    return storeDraft(next).catch(() => setProblem({ text: "This browser won’t store what you fill in." }));
  }, []);

  const done = useCallback(
    async (order: Order, kept: Draft) => {
      setState("placed");
      const { placing } = kept;
      if (placing && !placing.settled) {
        await forgetOrdered(order.lines.map((line) => ({ productId: line.product_id, quantity: line.quantity })));
        await store({ ...kept, placing: { ...placing, settled: true } });
      }
      // Only a convenience: an order isn't held up by it.
      if (visitor && kept.keepAddress) keepAddress(visitor, kept.address).catch(() => undefined);
      router.replace(priced(`/orders/${order.id}`));
    },
    [router, store, visitor],
  );

  /** What became of an order whose response never came: the shop knows it by its key. */
  const check = useCallback(
    async (kept: Draft, placing: Placing) => {
      setState("checking");
      setProblem(undefined);
      let answered = false;
      for (let attempt = 0; attempt < ASKED; attempt += 1) {
        if (attempt) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        try {
          const order = await placedWith(placing.key);
          if (order) return await done(order, kept);
          answered = true;
        } catch {
          void probe();
        }
      }
      setState(answered ? "filling" : "unknown");
      setProblem({
        text: answered
          ? "We haven’t received your order. Please try again: it can’t be placed twice."
          : "We can’t tell yet whether your order arrived. We’ll check again as soon as there’s a connection; it can’t be placed twice.",
      });
    },
    [done],
  );

  // Once: what is stored is older than what has been filled in since.
  const loaded = useRef(false);
  useEffect(() => {
    if (loaded.current) return;
    loaded.current = true;
    storedDraft().then(
      (found) => {
        setDraft(found);
        // The page was left, or loaded again, before the shop had said what became of the order.
        if (found.placing) void check(found, found.placing);
      },
      () => setDraft(newDraft()),
    );
  }, [check]);

  useEffect(() => {
    const placing = draft?.placing;
    if (state !== "unknown" || !placing) return;
    const timer = setTimeout(() => void check(draft, placing), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [draft, state, check]);

  const content = lines?.map((line) => `${line.productId}×${line.quantity}`).join();
  useEffect(() => {
    // Today's prices, again with every change of the cart, also by another tab.
    if (!online || !content || unsent !== false) return;
    let again: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    (async () => {
      const shown = await cartLines();
      await fetchCart();
      if (await cartOnItsWay()) return; // again once it has been sent
      const today = await fetchQuote();
      setChanged(differences(shown, today.lines));
      setQuote(today);
    })().catch(() => {
      void probe();
      if (wanted) again = setTimeout(() => setAttempt((count) => count + 1), AGAIN_MS);
    });
    return () => {
      wanted = false;
      clearTimeout(again);
    };
  }, [online, content, unsent, attempt]);

  const shown = quote?.lines.length ? quote.lines : (lines ?? []);
  const stuck = shown.some(problemOf);
  useEffect(() => {
    // The shelf may be filled again while the customer waits.
    if (!stuck || !online || state !== "filling") return;
    const timer = setTimeout(() => setAttempt((count) => count + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [stuck, online, state, quote]);

  if (!lines || !draft || state === "placed")
    return <div key="skeleton" className="skeleton tall" aria-hidden="true" />;
  if (!lines.length && !draft.placing) {
    return (
      <div className="empty">
        <p className="soft">Your cart is empty, so there’s nothing to order.</p>
        <Link href="/products" className="button">
          Browse the shop
        </Link>
      </div>
    );
  }

  const edit = (part: Partial<Address>) => void store({ ...draft, address: { ...draft.address, ...part } });

  async function order(event: FormEvent) {
    event.preventDefault();
    if (!draft || !quote) return;
    const { placing: before, ...filled } = draft;
    const placing: Placing = {
      key: before?.key ?? quote.id,
      body: {
        shipping_address: draft.address,
        payment: { method: "test" },
        total: quote.total,
        currency: quote.currency,
        cart_version: quote.cartVersion,
        ...(visitor ? {} : { email: draft.email }),
      },
    };
    const sent = { ...filled, placing };
    setState("ordering");
    setProblem(undefined);
    await store(sent);
    try {
      await done(
        toOrder(await request("POST", priced("/api/checkout"), placing.body, { "idempotency-key": placing.key })),
        sent,
      );
    } catch (error) {
      // Only the shop's own refusal says that nothing was ordered; after anything else it has to be asked.
      if (!(error instanceof ApiError) || error.status >= 500 || error.problem.reason === "key-used")
        return await check(sent, placing);
      await store(filled);
      setState("filling");
      refused(error);
    }
  }

  function refused(error: ApiError) {
    const today =
      error.status === CONFLICT && error.problem.quote
        ? toQuote(error.problem.quote as Record<string, unknown>)
        : undefined;
    if (today && quote) {
      setChanged(differences(quote.lines, today.lines));
      setQuote(today);
    }
    if (error.status === SIGN_IN && !visitor) {
      // The visit has ended at the shop, which forgets guests' carts after a while; the browser hasn't.
      void sendCart();
      setProblem({
        text: "You were away for a while, so we’ve sent your cart again. Please place your order once more.",
      });
    } else if (error.status === SIGN_IN)
      setProblem({ text: "You’ve been signed out. Please sign in to order.", signIn: true });
    else if (error.problem.reason === "total-changed")
      setProblem({ text: "Prices have just changed. Please check the new total before you order." });
    else if (error.status === INVALID && wrongParts(error).length)
      setProblem({ text: `Please check: ${wrongParts(error).join(", ")}.` });
    else setProblem({ text: error.message, whileStuck: today?.lines.some(problemOf) ?? false });
  }

  const { address } = draft;
  return (
    <form className="split" onSubmit={order}>
      <div className="form narrow">
        {online ? null : (
          <p className="notice warn" role="status">
            You’re offline. What you fill in is kept, and you can order once you’re back online.
          </p>
        )}
        {visitor === null ? (
          <fieldset>
            <legend>Contact</legend>
            <EmailField
              autoComplete="email"
              value={draft.email}
              onChange={(event) => void store({ ...draft, email: event.target.value })}
            />
            <p className="small soft">
              You’re ordering as a guest. <Link href="/login?next=/checkout">Sign in</Link> to have the order in your
              account; your cart comes with you.
            </p>
          </fieldset>
        ) : null}
        <fieldset>
          <legend>Delivery address</legend>
          {visitor && addresses.length ? (
            <SavedAddresses addresses={addresses} chosen={address} onChoose={edit} />
          ) : null}
          <AddressFields address={address} onChange={edit} />
          {visitor && !addresses.some((kept) => same(kept.address, address)) ? (
            <label className="check">
              <input
                type="checkbox"
                checked={draft.keepAddress ?? false}
                onChange={(event) => void store({ ...draft, keepAddress: event.target.checked })}
              />
              Save this address for next time
            </label>
          ) : null}
        </fieldset>
        <fieldset>
          <legend>Payment</legend>
          <label className="check">
            <input type="radio" name="payment" defaultChecked /> Test payment: you won’t be charged
          </label>
        </fieldset>
      </div>
      <aside className="card" aria-labelledby="summary">
        <h2 id="summary">Your order</h2>
        <ul role="list" className="totals small">
          {shown.map((line) => (
            <li key={line.productId}>
              <span className="total-line">
                <span>
                  {line.quantity} × {line.name || `Item ${line.productId}`}
                </span>
                <span>{line.price === null ? "–" : money(line.price * line.quantity, line.currency)}</span>
              </span>
              <LineProblem line={line} />
            </li>
          ))}
        </ul>
        <Totals
          lines={shown}
          note={quote ? "This is what you pay: nothing is added." : "These are the prices you last saw."}
        />
        {changed.length ? (
          <div className="notice warn" role="status">
            <p>Since you filled your cart:</p>
            <ul>
              {changed.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          </div>
        ) : null}
        {online && unsent ? (
          <p className="notice" role="status">
            Sending your latest cart…
          </p>
        ) : null}
        {stuck ? (
          <p className="notice warn">
            Some items can’t be ordered as they are. <Link href="/cart">Change your cart</Link>
          </p>
        ) : null}
        {state === "checking" ? (
          <p className="notice" role="status">
            Checking whether we’ve received your order…
          </p>
        ) : null}
        {problem && (stuck || !problem.whileStuck) ? (
          <p className="notice danger" role="alert">
            {problem.text} {problem.signIn ? <Link href="/login?next=/checkout">Sign in</Link> : null}
          </p>
        ) : null}
        <button
          type="submit"
          className="button wide"
          disabled={
            !online ||
            unsent !== false ||
            !quote ||
            stuck ||
            state === "ordering" ||
            state === "checking" ||
            sumOf(shown) === undefined
          }
        >
          {!online
            ? "Go online to order"
            : state === "ordering"
              ? "Placing your order…"
              : draft.placing
                ? "Try again"
                : "Order now"}
        </button>
      </aside>
    </form>
  );
}
