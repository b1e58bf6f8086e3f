import { marketOfCurrency } from "./market";

/** `amount` in minor units, as the currency's own market writes it: 1999, "EUR" → "€19.99". */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat(marketOfCurrency(currency).locale, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}
