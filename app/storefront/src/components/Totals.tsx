import type { CartLine } from "@/offline/database";
import { money } from "@/shop/money";

type Priced = Pick<CartLine, "quantity" | "price" | "currency">;

/** The lines' sum; undefined where a price isn't known, or isn't in the currency of the others. */
export function sumOf(lines: Priced[]): number | undefined {
  let sum = 0;
  for (const { price, quantity, currency } of lines) {
    if (price === null || currency !== lines[0]?.currency) return undefined;
    sum += price * quantity;
  }
  return sum;
}

/** `note`: what the total means here, as a sentence. */
export function Totals({ lines, note }: { lines: Priced[]; note: string }) {
  const sum = sumOf(lines);
  const pieces = lines.reduce((total, line) => total + line.quantity, 0);
  const currency = lines[0]?.currency ?? "EUR";
  const shown = sum === undefined ? "–" : money(sum, currency);
  return (
    <div className="totals">
      <div>
        <span>
          {pieces} {pieces === 1 ? "item" : "items"}
        </span>
        <span>{shown}</span>
      </div>
      <div>
        <span>Delivery</span>
        <span>Free</span>
      </div>
      <div className="grand">
        <span>Total</span>
        <span>{shown}</span>
      </div>
      <p className="small soft">
        {sum === undefined ? "Some items have no price here, so there is no total yet." : note}
      </p>
    </div>
  );
}
