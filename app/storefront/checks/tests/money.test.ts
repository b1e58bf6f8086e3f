import { expect, test } from "vitest";
import { majorUnits, money } from "@/shop/money";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/gu, " ");

test.each([
  [1999, "EUR", "€19.99"],
  [100, "GBP", "£1.00"],
  [0, "USD", "$0.00"],
  [123456789, "USD", "$1,234,567.89"],
])("%i minor units of %s read as their own market writes them", (amount, currency, text) => {
  expect(plain(money(amount, currency)).replace(/^US/u, "")).toBe(text);
});

test("a currency without minor units isn't divided by 100", () => {
  expect(plain(money(500, "JPY"))).toMatch(/500$/u);
});

test.each([
  [1999, "EUR", "19.99"],
  [5, "GBP", "0.05"],
  [500, "JPY", "500"],
])("%i minor units of %s are %s for machines", (amount, currency, text) => {
  expect(majorUnits(amount, currency)).toBe(text);
});
