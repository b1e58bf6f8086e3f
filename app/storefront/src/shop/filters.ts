/**
 * What a listing or a search is narrowed down to, as its address says it; the same by the API and in the browser's own copy.
 * Prices are whole units of the visitor's currency here, and minor units to the API.
 */
import type { Product } from "./catalogue";
import { DEFAULT_SORT, isSort, type Sort } from "./sorting";

/** Where a range of prices may begin and end, and the least ratings that can be asked for: the API's. */
export const PRICE_BOUNDS = [10, 25, 50, 100, 250, 500];
export const RATINGS = [3, 4];
const MINOR_UNITS = 100;

/** What isn't there is left open. */
export interface Filters {
  category?: number;
  brand?: string;
  /** At least that much, and less than that. */
  price_from?: number;
  price_to?: number;
  /** That or better. */
  rating?: number;
  in_stock?: true;
}

export interface Wanted {
  filters: Filters;
  sort: Sort;
}

/** What can be chosen so that something is left: of each thing, with all others as they are. */
export interface Facets {
  categories: number[];
  brands: string[];
  pricesFrom: number[];
  pricesTo: number[];
  ratings: number[];
  inStock: boolean;
}

const LONGEST_BRAND = 100;
const whole = (value: string): number => (/^[1-9]\d{0,8}$/.test(value) ? Number(value) : Number.NaN);
const among = (allowed: number[]) => (value: string) => (allowed.includes(whole(value)) ? whole(value) : undefined);

/** In the order of addresses. */
const READERS: { [Name in keyof Filters]-?: (value: string) => Filters[Name] | undefined } = {
  category: (value) => whole(value) || undefined,
  brand: (value) => (value.length <= LONGEST_BRAND ? value : undefined),
  price_from: among(PRICE_BOUNDS),
  price_to: among(PRICE_BOUNDS),
  rating: among(RATINGS),
  in_stock: (value) => (value === "true" ? true : undefined),
};
export const FILTER_NAMES = Object.keys(READERS) as (keyof Filters)[];

/** What a query says; undefined where it says something that no listing has. Empty, as an open field of a form is: nothing. */
export function filtersIn(query: URLSearchParams): Filters | undefined {
  const found: Record<string, unknown> = {};
  for (const name of FILTER_NAMES) {
    const value = query.get(name)?.trim();
    if (!value) continue;
    const read = READERS[name](value);
    if (read === undefined) return undefined;
    found[name] = read;
  }
  return found;
}

export function wantedIn(query: URLSearchParams): Wanted {
  const sort = query.get("sort") ?? "";
  return { filters: filtersIn(query) ?? {}, sort: isSort(sort) ? sort : DEFAULT_SORT };
}

/** One spelling for each: what a listing is kept and known by. */
export function queryOf(filters: Filters): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of FILTER_NAMES) if (filters[name] !== undefined) query.set(name, String(filters[name]));
  return query;
}

/** The address of a listing or, with `words`, of a search. */
export function addressOf(path: string, { filters, sort }: Wanted, words?: string): string {
  const query = queryOf(filters);
  if (sort !== DEFAULT_SORT) query.set("sort", sort);
  const all = new URLSearchParams([...(words ? [["q", words]] : []), ...query]).toString();
  return all ? `${path}?${all}` : path;
}

/** For the API's addresses. */
export function apiQuery({ category, price_from, price_to, ...rest }: Filters): URLSearchParams {
  const query = queryOf(rest);
  if (category !== undefined) query.set("category_id", String(category));
  if (price_from !== undefined) query.set("price_from", String(price_from * MINOR_UNITS));
  if (price_to !== undefined) query.set("price_to", String(price_to * MINOR_UNITS));
  return query;
}

export const searchQuery = (words: string, filters: Filters): URLSearchParams =>
  new URLSearchParams([["q", words], ...apiQuery(filters)]);

export function toFacets(json: Record<string, unknown>): Facets {
  const list = <Item>(value: unknown) => (Array.isArray(value) ? (value as Item[]) : []);
  const units = (value: unknown) => list<number>(value).map((amount) => amount / MINOR_UNITS);
  return {
    categories: list(json.categories),
    brands: list(json.brands),
    pricesFrom: units(json.prices_from),
    pricesTo: units(json.prices_to),
    ratings: list(json.ratings),
    inStock: json.in_stock === true,
  };
}

export function matches(product: Product, filters: Filters): boolean {
  const { category, brand, price_from, price_to, rating = 0, in_stock } = filters;
  const price = product.price === null ? Number.NaN : product.price / MINOR_UNITS;
  return (
    (category === undefined || product.categoryId === category) &&
    (brand === undefined || product.brand === brand) &&
    (price_from === undefined || price >= price_from) &&
    (price_to === undefined || price < price_to) &&
    product.rating >= rating &&
    (!in_stock || product.stock > 0)
  );
}

/** As the API finds them, among the products that this browser keeps. */
export function facetsOf(products: Product[], filters: Filters): Facets {
  const leaves = (changed: Filters) => products.some((product) => matches(product, changed));
  const open = (...names: (keyof Filters)[]): Product[] => {
    const rest = { ...filters };
    for (const name of names) delete rest[name];
    return products.filter((product) => matches(product, rest));
  };
  const { price_from: _from, price_to: _to, ...unpriced } = filters;
  return {
    categories: [...new Set(open("category").map((product) => product.categoryId))],
    brands: [...new Set(open("brand").map((product) => product.brand))].sort(),
    pricesFrom: PRICE_BOUNDS.filter((bound) => leaves({ ...unpriced, price_from: bound })),
    pricesTo: PRICE_BOUNDS.filter((bound) => leaves({ ...unpriced, price_to: bound })),
    ratings: RATINGS.filter((rating) => leaves({ ...filters, rating })),
    inStock: leaves({ ...filters, in_stock: true }),
  };
}
