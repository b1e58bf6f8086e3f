/**
 * A narrowed listing is a page of its own to Next, which knows pages by their path: before it sees a request, all that the
 * address asks for is packed into one parameter, which next.config.ts makes a part of the path.
 */
import { FILTER_NAMES, type Filters, filtersIn, queryOf } from "../shop/filters";

const LISTING = /^\/(?:products|categories\/\d+)$/;
const PACKED = "narrowed";
/** What the address asks for can't be asked for; no packed filters are that. */
const NONSENSE = "0";

/** The address as Next gets it. Whatever calls itself packed already isn't ours. */
export function pack(address: string): string {
  const [path = ""] = address.split("?", 1);
  const text = address.slice(path.length + 1);
  if (!text || !LISTING.test(path)) return address;
  const query = new URLSearchParams(text);
  query.delete(PACKED);
  const filters = filtersIn(query);
  for (const name of FILTER_NAMES) query.delete(name);
  const packed = filters ? encode(filters) : NONSENSE;
  if (packed) query.set(PACKED, packed);
  return query.size ? `${path}?${query}` : path;
}

const encode = (filters: Filters): string => Buffer.from(queryOf(filters).toString()).toString("base64url");

/** The filters of a page's path; undefined: no listing has those. */
export function unpack(packed: string[] | undefined): Filters | undefined {
  const [text = "", ...more] = packed ?? [];
  const filters = filtersIn(new URLSearchParams(Buffer.from(text, "base64url").toString()));
  return filters && !more.length && encode(filters) === text ? filters : undefined;
}
