/** A checkout that is being prepared: filled in with or without a network, ordered only with one. */
import { countryHere } from "@/shop/country";
import { commit, database } from "./database";
import { whoIsHere } from "./visitor";

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

/** With the moment of the last change. */
interface Stored extends Draft {
  at: number;
}

/** The shop's visits last as long without activity: whoever comes later may be somebody else. */
const VISIT_MS = 2 * 60 * 60_000;

export const newDraft = (): Draft => ({
  address: { name: "", street: "", postcode: "", city: "", country: countryHere() ?? "DE" },
  email: "",
});

/** What was filled in; what a guest has filled in, as long as the visit may last. */
export async function storedDraft(): Promise<Draft> {
  await whoIsHere();
  return database(async (db) => {
    const tx = db.transaction("userData", "readwrite");
    const kept = (await tx.store.get("checkout")) as Partial<Stored> | undefined;
    const left = kept && !kept.placing && !(await tx.store.get("session")) && Date.now() - (kept.at ?? 0) > VISIT_MS;
    if (left) void tx.store.delete("checkout");
    await commit(tx);
    const { at: _at, ...draft } = left ? {} : (kept ?? {});
    return { ...newDraft(), ...draft };
  });
}

export async function storeDraft(draft: Draft): Promise<void> {
  const stored: Stored = { ...draft, at: Date.now() };
  await database((db) => {
    const tx = db.transaction("userData", "readwrite");
    void tx.store.put(stored, "checkout");
    return commit(tx);
  });
}

/** The order's page was seen: the next order is another one. */
export async function forgetPlaced(): Promise<void> {
  const { placing, ...rest } = await storedDraft();
  if (placing?.settled) await storeDraft(rest);
}
