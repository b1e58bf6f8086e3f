/**
 * Who is signed in, as this browser knows it. What it keeps of a member is for that member alone, so before any of it is
 * shown or changed the shop is asked whether the session goes on. Where it has run out, or is another member's, all of it is
 * removed. While the shop can't be reached, whoever was here last still is.
 */
import { request } from "@/shop/browser-api";
import { commit, database } from "./database";
import { announceElsewhere } from "./messages";

export interface Visitor {
  id: number;
  name: string;
  email: string;
  tier: string;
}

type Json = Record<string, unknown>;

/** How long a page waits for the shop's word before it shows what is kept. */
const PATIENCE_MS = 4_000;

let here: Promise<Visitor | undefined> | undefined;
let asking: Promise<Visitor | undefined> | undefined;
/** Whether the shop has said who is here; what follows from that, such as removing a member's things, takes its time. */
let told = false;
/** The member whose things this page may have shown. */
let shown: number | undefined;

export function toVisitor({ user }: Json): Visitor | undefined {
  if (!user) return undefined;
  const { id, name, email, tier } = user as Json;
  return { id: Number(id), name: String(name), email: String(email), tier: String(tier) };
}

/** The visitor this browser last knew, without asking. */
export async function storedVisitor(): Promise<Visitor | undefined> {
  await forgetWhoLeft();
  return (await database((db) => db.get("userData", "session"))) as Visitor | undefined;
}

/** Who is here: asked once for each page that is loaded, and only where a member was here before. */
export function whoIsHere(): Promise<Visitor | undefined> {
  here ??= find().catch((error: unknown) => {
    here = undefined;
    throw error;
  });
  return here;
}

async function find(): Promise<Visitor | undefined> {
  const kept = await storedVisitor();
  if (!kept) return undefined;
  const found = await Promise.race([
    currentVisitor().catch(() => kept),
    new Promise<Visitor>((resolve) => setTimeout(() => told || resolve(kept), PATIENCE_MS)),
  ]);
  shown = found?.id;
  return found;
}

/** Ask who is signed in; undefined: nobody. Throws when the shop can't say. */
export function currentVisitor(): Promise<Visitor | undefined> {
  asking ??= ask().finally(() => {
    asking = undefined;
  });
  return asking;
}

async function ask(): Promise<Visitor | undefined> {
  const before = await storedVisitor();
  told = false;
  const found = toVisitor(await request("GET", "/api/session"));
  told = true;
  // Somebody has signed in or out while the shop was asked: it has told of the time before.
  if ((await storedVisitor())?.id !== before?.id) return storedVisitor();
  if (before && before.id !== found?.id) await forgetMember();
  await remember(found);
  if (before && before.id === shown && before.id !== found?.id) location.reload();
  return found;
}

/** Whether this browser still is that of whom this page may have shown something of; without asking the shop. */
export const isStillHere = async (): Promise<boolean> => (await storedVisitor())?.id === shown;

/** Ask again where a member was here: whoever looks at the page now may be somebody else. */
export async function askAgain(): Promise<void> {
  if (await storedVisitor()) await currentVisitor().catch(() => undefined);
}

/** Note who is here; nobody: `undefined`. */
export async function remember(visitor: Visitor | undefined): Promise<void> {
  if (visitor) {
    await database((db) => db.put("userData", visitor, "session"));
    shown = visitor.id;
  }
  here = Promise.resolve(visitor);
}

/** Keep what is a member's, unless they have signed out meanwhile: an answer may come after that. */
export const keepOf = (member: number, kept: Record<string, unknown>): Promise<void> =>
  database(async (db) => {
    const tx = db.transaction("userData", "readwrite");
    if (((await tx.store.get("session")) as Visitor | undefined)?.id === member)
      for (const [key, value] of Object.entries(kept)) void tx.store.put(value, key);
    await commit(tx);
  });

/** In `localStorage`, from when a visitor has left until nothing of them is. */
export const UNFORGOTTEN = "unforgotten";

export const isSomebodyLeft = (): boolean => localStorage.getItem(UNFORGOTTEN) !== null;

/**
 * Remove all that is a member's, here and from what other tabs show. What can't be removed now, because another page holds
 * it, is removed by the next page before it shows anything.
 */
export async function forgetMember(): Promise<void> {
  localStorage.setItem(UNFORGOTTEN, "");
  sessionStorage.clear();
  await forgetWhoLeft().catch((error: unknown) => console.error("the next page removes what is left", error));
  announceElsewhere({ type: "signed-out" });
}

/** Throws while that can't be done: then nothing that is kept may be shown. */
async function forgetWhoLeft(): Promise<void> {
  if (isSomebodyLeft()) await import("./privacy").then(({ forgetVisitor }) => forgetVisitor());
}
