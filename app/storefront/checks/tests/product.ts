import type { Product } from "@/shop/catalogue";

/** A product with what a test says about it. */
export const product = (id: number, said: Partial<Product> = {}): Product =>
  ({
    id,
    name: `Product ${id}`,
    brand: "Brand",
    description: "",
    categoryId: 1,
    categoryName: "Things",
    price: 1000,
    currency: "EUR",
    popularity: 0,
    rating: 4,
    createdAt: "2026-01-01T00:00:00Z",
    image: "",
    blurhash: "",
    ...said,
  }) as Product;
