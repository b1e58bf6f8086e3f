/**
 * A narrowed listing is a page of its own to Next, which knows pages by their path: before it sees a request, all that the
 * address asks for is packed into one parameter, which next.config.ts makes a part of the path. So are a search's words.
 */
import { FILTER_NAMES, type Filters, filtersIn, queryOf } from "../shop/filters";

const LISTING = /^\/(?:products|categories\/\d+)$/;
const SEARCH = "/search";
const PACKED = "narrowed";
const WORDS = "words";
/** As the API takes them. */
const LONGEST_WORDS = 200;
/** What the address asks for can't be asked for; no packed filters are that. */
const NONSENSE = "0";

/** The address as Next gets it. Whatever calls itself packed already isn't ours. */
export function pack(address: string): string {
  const [path = ""] = address.split("?", 1);
  const text = address.slice(path.length + 1);
  if (!text || !(LISTING.test(path) || path === SEARCH)) return address;
  const query = new URLSearchParams(text);
  query.delete(PACKED);
  query.delete(WORDS);
  const filters = filtersIn(query);
  if (path === SEARCH) {
    // In another order than by the best match the browser sorts, so it asks as well.
    const words = query.get("q")?.trim() ?? "";
    if (!words || words.length > LONGEST_WORDS || query.has("sort") || !filters) return address;
    query.delete("q");
    query.set(WORDS, packedText(words));
  }
  for (const name of FILTER_NAMES) query.delete(name);
  const packed = filters ? encode(filters) : NONSENSE;
  if (packed) query.set(PACKED, packed);
  return query.size ? `${path}?${query}` : path;
}

const packedText = (text: string): string => Buffer.from(text).toString("base64url");
const unpackedText = (packed: string): string => Buffer.from(packed, "base64url").toString();
const encode = (filters: Filters): string => packedText(queryOf(filters).toString());

/** The words of a search's path; undefined: nobody searches for those. */
export function unpackWords(packed: string): string | undefined {
  const words = unpackedText(packed);
  return words && words === words.trim() && packedText(words) === packed ? words : undefined;
}

/** The filters of a page's path; undefined: no listing has those. */
export function unpack(packed: string[] | undefined): Filters | undefined {
  const [text = "", ...more] = packed ?? [];
  const filters = filtersIn(new URLSearchParams(unpackedText(text)));
  return filters && !more.length && encode(filters) === text ? filters : undefined;
}
