/** What the customer allows, and how it is put: no promise of what is sent. */
export const WISHES = [
  ["newsletter", "You may e-mail me about new products"],
  ["order_updates", "You may e-mail me about my orders"],
  ["recommendations", "You may use my orders to suggest products"],
] as const;

const LABELS: Record<string, string> = { ...Object.fromEntries(WISHES), name: "Name", country: "Country" };

export const labelOf = (field: string): string => LABELS[field] ?? field;

/** A field's value, in words. */
export function wordsFor(value: unknown): string {
  if (value === true) return "Yes";
  if (value === false || value === undefined || value === null) return "No";
  return typeof value === "string" ? value : JSON.stringify(value);
}
