import { beforeEach, expect, test } from "vitest";
import { product } from "./product";

beforeEach(async () => {
  const { remember } = await import("@/offline/catalogue");
  await remember(product(1, { name: "Linen Sheet", brand: "Nordlicht", popularity: 5 }));
  await remember(product(2, { name: "Cotton Towel", brand: "Linen & Co", popularity: 9 }));
  await remember(product(3, { name: "Café Crème Cup", description: "Goes with a linen cloth", popularity: 1 }));
});

const found = async (words: string): Promise<number[]> => ((await search(words))?.products ?? []).map(({ id }) => id);

const search = async (words: string) => (await import("@/offline/catalogue")).searchOffline(words);

test("a name counts more than a brand, a brand more than a description", async () => {
  expect(await found("linen")).toEqual([1, 2, 3]);
});

test("every word has to be there, as the beginning of a word, in any order", async () => {
  expect(await found("she lin")).toEqual([1]);
  expect(await found("linen cup")).toEqual([3]);
  expect(await found("eet")).toEqual([]);
});

test("accents and capitals don't matter", async () => {
  expect(await found("CAFE creme")).toEqual([3]);
});

test.each([
  ["lnien sheet", [1]],
  ["towle coton", [2]],
  ["shet", [1]],
  ["xylophone", []],
  ["lin xyz", []],
])("a typing error finds names like %s", async (words, ids) => {
  expect(await search(words)).toEqual({ products: ids.map((id) => expect.objectContaining({ id })), similar: true });
});

test("nothing to search in isn't nothing found", async () => {
  const { database } = await import("@/offline/database");
  await database((db) => db.clear("products"));
  expect(await search("linen")).toBeUndefined();
});

test("no words find nothing", async () => {
  expect(await found("  –  ")).toEqual([]);
});

test("a connection that the browser closed under the page is opened again", async () => {
  const { database } = await import("@/offline/database");
  await database(async (db) => db.close());
  expect(await found("sheet")).toEqual([1]);
});
