/** The orders a listing can be read in: the API's `sort` values, under the names the shop gives them. */
export const SORTS = [
  { value: "popularity", label: "Most loved" },
  { value: "newest", label: "New in" },
  { value: "price", label: "Price: low to high" },
  { value: "-price", label: "Price: high to low" },
  { value: "rating", label: "Best rated" },
] as const;

export type Sort = (typeof SORTS)[number]["value"];
export const DEFAULT_SORT: Sort = "popularity";
export const isSort = (value: string): value is Sort => SORTS.some((sort) => sort.value === value);

/** Products on the first page of a listing, and in each further one. */
export const PAGE_SIZE = 24;

/** The most that a search of the API looks through. */
export const SEARCHED = 200;

/** A listing's public address; no category is the whole catalogue. */
export function listingPath(categoryId?: number, sort: Sort = DEFAULT_SORT): string {
  const path = categoryId === undefined ? "/products" : `/categories/${categoryId}`;
  return sort === DEFAULT_SORT ? path : `${path}?sort=${sort}`;
}
