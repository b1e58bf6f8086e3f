import type { CartLine } from "@/offline/database";
import { money } from "@/shop/money";

export function Totals({ lines }: { lines: CartLine[] }) {
  const currency = lines[0]?.currency ?? "EUR";
  const sum = lines.reduce((total, line) => total + line.price * line.quantity, 0);
  const pieces = lines.reduce((total, line) => total + line.quantity, 0);
  return (
    <div className="totals">
      <div>
        <span>
          {pieces} {pieces === 1 ? "item" : "items"}
        </span>
        <span>{money(sum, currency)}</span>
      </div>
      <div>
        <span>Delivery</span>
        <span>Free</span>
      </div>
      <div className="grand">
        <span>Total</span>
        <span>{money(sum, currency)}</span>
      </div>
      <p className="small soft">Including taxes. The price that counts is the one at checkout.</p>
    </div>
  );
}
