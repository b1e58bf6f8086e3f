import Link from "next/link";
import { listingPath, SORTS, type Sort } from "@/shop/sorting";

export function SortLinks({ categoryId, current }: { categoryId?: number; current: Sort }) {
  return (
    <nav className="sorts" aria-label="Sort by">
      {SORTS.map((sort) => (
        <Link
          key={sort.value}
          href={listingPath(categoryId, sort.value)}
          prefetch={false}
          {...(sort.value === current ? { "aria-current": "page" as const } : {})}
        >
          {sort.label}
        </Link>
      ))}
    </nav>
  );
}
