import { describe, expect, it } from "vitest";
import { addressOf, apiQuery, facetsOf, filtersIn, matches } from "@/shop/filters";
import { pack, unpack, unpackWords } from "@/server/narrowed";
import { product } from "./product";

const shelf = [
  product(1, { brand: "Kestrel", categoryId: 3, price: 9_999, rating: 4.2, stock: 0 }),
  product(2, { brand: "Umbra Vale", categoryId: 3, price: 10_000, rating: 3.9, stock: 5 }),
  product(3, { brand: "Kestrel", categoryId: 4, price: null, rating: 0, stock: 5 }),
];
const ids = (filters: Parameters<typeof matches>[1]) =>
  shelf.filter((one) => matches(one, filters)).map(({ id }) => id);

describe("filters", () => {
  it("tell products apart as the API does", () => {
    expect(ids({ price_to: 100 })).toEqual([1]);
    expect(ids({ price_from: 100 })).toEqual([2]);
    expect(ids({ rating: 4 })).toEqual([1]);
    expect(ids({ in_stock: true, brand: "Kestrel" })).toEqual([3]);
    expect(apiQuery({ category: 3, price_to: 50 }).toString()).toBe("category_id=3&price_to=5000");
  });

  it("offer what leaves something, each with all others as they are", () => {
    expect(facetsOf(shelf, { brand: "Kestrel", rating: 4 })).toEqual({
      categories: [3],
      brands: ["Kestrel"],
      pricesFrom: [10, 25, 50],
      pricesTo: [100, 250, 500],
      ratings: [3, 4],
      inStock: false,
    });
  });

  it("have one spelling in addresses", () => {
    const query = new URLSearchParams("price_to=50&brand=Calla+%26+Finch&rating=&in_stock=true");
    const filters = filtersIn(query);
    expect(addressOf("/products", { filters: filters ?? {}, sort: "price" })).toBe(
      "/products?brand=Calla+%26+Finch&price_to=50&in_stock=true&sort=price",
    );
    expect(filtersIn(new URLSearchParams("price_to=51"))).toBeUndefined();
  });

  it("are packed into one part of a page's path, and nothing else is", () => {
    const [path, packed] = pack("/products?rating=4&sort=price&narrowed=made-up&brand=Kestrel").split("&narrowed=");
    expect(path).toBe("/products?sort=price");
    expect(unpack([packed ?? ""])).toEqual({ brand: "Kestrel", rating: 4 });
    expect(pack("/products?brand=Kestrel&rating=4&sort=price")).toBe(`${path}&narrowed=${packed}`);
    expect(unpack([pack("/products?rating=5").split("narrowed=")[1] ?? ""])).toBeUndefined();
    expect(pack("/search?rating=4")).toBe("/search?rating=4");
    expect(unpack(undefined)).toEqual({});
  });

  it("of a search are packed beside its words, where the server can find what comes first", () => {
    const packed = new URL(pack("/search?q=+desk+l%C3%A4mp+&rating=4&country=US&words=made-up"), "http://shop")
      .searchParams;
    expect(unpackWords(packed.get("words") ?? "")).toBe("desk lämp");
    expect(unpack([packed.get("narrowed") ?? ""])).toEqual({ rating: 4 });
    expect([packed.get("country"), packed.get("q")]).toEqual(["US", null]);
    for (const other of ["?q=", "?q=a&sort=price", "?q=a&rating=5", `?q=${"a".repeat(201)}`])
      expect(pack(`/search${other}`)).toBe(`/search${other}`);
    for (const nobodys of ["", "IA", "YQ=="]) expect(unpackWords(nobodys)).toBeUndefined();
  });
});
