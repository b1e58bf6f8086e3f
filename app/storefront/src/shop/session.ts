/** Signing in and out, and the cart that comes along. */
import { adoptCart, cartLines, refreshLines, sendCart } from "@/offline/cart";
import { storedDraft } from "@/offline/checkout";
import { queuedChanges, replay } from "@/offline/queue";
import { forgetMember, remember, toVisitor, type Visitor, whoIsHere } from "@/offline/visitor";
import { ApiError, request } from "./browser-api";
import { toCartLines } from "./cart-lines";
import { priced } from "./country";

type Json = Record<string, unknown>;

/** Everybody pays the prices of this tier; members have their own. */
const EVERYBODY = "free";

/**
 * Sign in. What a guest put into the cart is sent first, so that the server can merge it. What belongs to another member,
 * whose session has run out here, is removed instead: neither is it sent, nor does anybody else see it.
 */
export const signIn = (email: string, password: string): Promise<Visitor> =>
  enter(() => request("POST", "/api/session", { email, password }));

/** As `signIn`, by whichever request: its response says who is signed in. */
export async function enter(ask: () => Promise<Json>): Promise<Visitor> {
  const before = await whoIsHere();
  if (!before) {
    // Not what somebody has filled in long ago.
    await storedDraft();
    await sendCart();
    await replay();
  }
  const visitor = toVisitor(await ask());
  if (!visitor) throw new ApiError(401, "We couldn’t sign you in. Please try again.");
  if (before && before.id !== visitor.id) await forgetMember();
  await remember(visitor);
  if (visitor.tier !== EVERYBODY) await import("@/offline/privacy").then(({ forgetPrices }) => forgetPrices());
  if (before) await replay();
  await fetchCart();
  return visitor;
}

/** Sign out here and at the shop, and remove everything private from this browser. Needs a connection. */
export const signOut = (): Promise<void> => leave(() => request("DELETE", "/api/session"));

/** As `signOut`, by whichever request ends the session. */
export async function leave(ask: () => Promise<unknown>): Promise<void> {
  await ask();
  await forgetMember();
  await remember(undefined);
}

/**
 * Take over the server's cart; while changes of this browser are still on their way, only what its lines cost now. A guest's
 * cart is this browser's: what the server lacks of it, because the visit has ended there, is sent once more.
 */
export async function fetchCart(): Promise<void> {
  await whoIsHere();
  const { items } = await request("GET", priced("/api/cart"));
  const lines = toCartLines(items);
  if ((await queuedChanges()).some((change) => change.endpoint === "/api/cart")) return refreshLines(lines);
  if (!(await whoIsHere())) {
    const there = new Set(lines.map((line) => line.productId));
    if ((await cartLines()).some((line) => !there.has(line.productId))) {
      // While nobody knows what became of an order, its lines may be missing because they are ordered.
      if (!(await storedDraft()).placing) await sendCart();
      return refreshLines(lines);
    }
  }
  await adoptCart(lines);
}

/** Show the server's cart instead of this browser's, whatever that holds: the customer has chosen so. */
export async function takeShopsCart(): Promise<void> {
  await whoIsHere();
  const { items } = await request("GET", priced("/api/cart"));
  await adoptCart(toCartLines(items));
}
