/** What the customer wishes for, and how it is put. */
export const WISHES = [
  ["newsletter", "Write to me once a month about what is new"],
  ["order_updates", "Send me an e-mail when an order is on its way"],
  ["recommendations", "Choose products for me by what I bought"],
] as const;

const LABELS: Record<string, string> = { ...Object.fromEntries(WISHES), name: "Name", country: "Country" };

export const labelOf = (field: string): string => LABELS[field] ?? field;

/** A field's value, in words. */
export function wordsFor(value: unknown): string {
  if (value === true) return "Yes";
  if (value === false || value === undefined || value === null) return "No";
  return typeof value === "string" ? value : JSON.stringify(value);
}
