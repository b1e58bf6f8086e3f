import type { CartLine } from "@/offline/database";
import { money } from "@/shop/money";

/** Why a line can't be ordered as it is, if it can't; and what has become of its price. */
export function LineProblem({ line }: { line: CartLine }) {
  const text = problemOf(line) || notYetKnown(line);
  return (
    <>
      {text ? <p className="tag warn">{text}</p> : null}
      {line.seen && line.price !== null ? (
        <p className="small soft">It was {money(line.seen.price, line.seen.currency)} when you added it.</p>
      ) : null}
    </>
  );
}

export function problemOf(line: CartLine): string {
  if (line.price === null && line.asked) return line.name ? `Not sold in ${line.currency}` : "No longer sold";
  if (line.left !== undefined && line.left < line.quantity)
    return line.left ? `Only ${line.left} left` : "Sold out for now";
  return "";
}

const notYetKnown = (line: CartLine): string => (line.price === null ? "Price not known yet" : "");
