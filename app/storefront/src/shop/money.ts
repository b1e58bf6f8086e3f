import { marketOfCurrency } from "./market";

/** What one piece costs; in words where it isn't sold in the visitor's currency, or the price isn't known. */
export const priceText = ({ price, currency }: { price: number | null; currency: string }): string =>
  price === null ? `Not sold in ${currency}` : money(price, currency);

/** `amount` in minor units, as the currency's own market writes it: 1999, "EUR" → "€19.99". */
export function money(amount: number, currency: string): string {
  const format = formatOf(currency);
  return format.format(amount / 10 ** digitsOf(format));
}

/** Whole units, as the ends of a range of prices are: 25, "EUR" → "€25". */
export const roundMoney = (units: number, currency: string): string =>
  new Intl.NumberFormat(marketOfCurrency(currency).locale, {
    style: "currency",
    currency,
    maximumFractionDigits: 0,
  }).format(units);

/** `amount` in minor units as a plain number, for machines: 1999, "EUR" → "19.99". */
export function majorUnits(amount: number, currency: string): string {
  const digits = digitsOf(formatOf(currency));
  return (amount / 10 ** digits).toFixed(digits);
}

const formatOf = (currency: string): Intl.NumberFormat =>
  new Intl.NumberFormat(marketOfCurrency(currency).locale, { style: "currency", currency });

const digitsOf = (format: Intl.NumberFormat): number => format.resolvedOptions().maximumFractionDigits ?? 2;
