import type { CartLine } from "@/offline/database";
import { money } from "@/shop/money";

const nameOf = (line: CartLine, other?: CartLine): string => line.name || other?.name || `Item ${line.productId}`;

/** What is different today from what was shown when the cart was filled, line by line, in words. */
export function differences(shown: CartLine[], today: CartLine[]): string[] {
  const before = new Map(shown.map((line) => [line.productId, line]));
  const there = new Set(today.map((line) => line.productId));
  const gone = shown
    .filter((line) => !there.has(line.productId))
    .map((line) => `${nameOf(line)} is no longer in your cart.`);
  return [...gone, ...today.flatMap((line) => difference(before.get(line.productId), line))];
}

function difference(old: CartLine | undefined, line: CartLine): string[] {
  const name = nameOf(line, old);
  if (!old) return [`${name} is now in your cart too.`];
  const seen = old.seen ?? { price: old.price, currency: old.currency };
  if (line.price === null) return seen.price === null ? [] : [`${name} is no longer sold here.`];
  const told: string[] = [];
  // A price that wasn't known is no difference.
  if (seen.price !== null && (seen.price !== line.price || seen.currency !== line.currency))
    told.push(`${name} now costs ${money(line.price, line.currency)} instead of ${money(seen.price, seen.currency)}.`);
  if (old.quantity !== line.quantity) told.push(`${name}: ${line.quantity} instead of ${old.quantity}.`);
  return told;
}
