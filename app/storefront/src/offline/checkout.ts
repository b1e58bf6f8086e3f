/** A checkout that is being prepared: filled in with or without a network, ordered only with one. */
import { database } from "./database";

export interface Address {
  name: string;
  street: string;
  postcode: string;
  city: string;
  country: string;
}

/** `key` is the Idempotency-Key of this order: ordering twice by accident makes one order. */
export interface Draft {
  address: Address;
  key: string;
}

export const newDraft = (): Draft => ({
  address: { name: "", street: "", postcode: "", city: "", country: "DE" },
  key: crypto.randomUUID(),
});

export async function storedDraft(): Promise<Draft> {
  return ((await (await database()).get("userData", "checkout")) as Draft | undefined) ?? newDraft();
}

export async function storeDraft(draft: Draft): Promise<void> {
  await (await database()).put("userData", draft, "checkout");
}
