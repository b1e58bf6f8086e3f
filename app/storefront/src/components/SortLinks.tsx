import Link from "next/link";
import { addressOf, type Wanted } from "@/shop/filters";
import { SORTS } from "@/shop/sorting";

export function SortLinks({ path, wanted }: { path: string; wanted: Wanted }) {
  return (
    <nav className="sorts" aria-label="Sort by">
      {SORTS.map(({ value, label }) => (
        <Link
          key={value}
          href={addressOf(path, { ...wanted, sort: value })}
          prefetch={false}
          {...(value === wanted.sort ? { "aria-current": "page" as const } : {})}
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}
