/** A checkout that is being prepared: filled in with or without a network, ordered only with one. */
import { database } from "./database";

export interface Address {
  name: string;
  street: string;
  postcode: string;
  city: string;
  country: string;
}

/** An order on its way: what was sent, and the Idempotency-Key that the shop can be asked by. */
export interface Placing {
  key: string;
  body: unknown;
  /** The order is known, and out of the cart: its page is all that is missing. */
  settled?: boolean;
}

/** `placing` is there until the shop has said what became of it, so that a reload goes on asking. */
export interface Draft {
  address: Address;
  email: string;
  /** The address is to be kept in the customer's account. */
  keepAddress?: boolean;
  placing?: Placing;
}

export const newDraft = (): Draft => ({
  address: { name: "", street: "", postcode: "", city: "", country: "DE" },
  email: "",
});

export async function storedDraft(): Promise<Draft> {
  return { ...newDraft(), ...((await (await database()).get("userData", "checkout")) as Partial<Draft> | undefined) };
}

export async function storeDraft(draft: Draft): Promise<void> {
  await (await database()).put("userData", draft, "checkout");
}

/** The order's page was seen: the next order is another one. */
export async function forgetPlaced(): Promise<void> {
  const { placing, ...rest } = await storedDraft();
  if (placing?.settled) await storeDraft(rest);
}
