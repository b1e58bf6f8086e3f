import { addressOf, type Wanted } from "@/shop/filters";
import { DEFAULT_SORT, SORTS } from "@/shop/sorting";
import { Link } from "./Link";

interface Props {
  path: string;
  wanted: Wanted;
  /** What was searched for: the best match comes first, unless something else is asked for. */
  words?: string;
}

export function SortLinks({ path, wanted, words }: Props) {
  return (
    <nav className="sorts" aria-label="Sort by">
      {SORTS.map(({ value, label }) => (
        <Link
          key={value}
          href={addressOf(path, { ...wanted, sort: value }, words)}
          {...(value === wanted.sort ? { "aria-current": "page" as const } : {})}
        >
          {words && value === DEFAULT_SORT ? "Best match" : label}
        </Link>
      ))}
    </nav>
  );
}
