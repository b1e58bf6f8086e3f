import type { CartLine } from "@/offline/database";

/** Why a line can't be ordered as it is, if it can't. */
export function LineProblem({ line }: { line: CartLine }) {
  const text = problemOf(line);
  return text ? <p className="tag warn">{text}</p> : null;
}

export function problemOf(line: CartLine): string {
  if (line.price === null) return line.name ? `Not sold in ${line.currency}` : "No longer sold";
  if (line.left !== undefined && line.left < line.quantity)
    return line.left ? `Only ${line.left} left` : "Sold out for now";
  return "";
}
