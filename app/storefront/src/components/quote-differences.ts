import type { CartLine } from "@/offline/database";
import { money } from "@/shop/money";

/** What is different today from what was shown, line by line, in words. */
export function differences(shown: CartLine[], today: CartLine[]): string[] {
  const before = new Map(shown.map((line) => [line.productId, line]));
  return today.flatMap((line) => {
    const old = before.get(line.productId);
    const name = line.name || old?.name || `Article ${line.productId}`;
    if (!old) return [`${name} is in your cart too.`];
    if (line.price === null) return old.price === null ? [] : [`${name} isn’t sold here any more.`];
    // A price that wasn't known is no difference.
    if (old.price === null || (old.price === line.price && old.currency === line.currency)) return [];
    return [`${name} costs ${money(line.price, line.currency)} instead of ${money(old.price, old.currency)}.`];
  });
}
