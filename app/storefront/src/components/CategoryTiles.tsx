import Link from "next/link";
import type { Category } from "@/shop/catalogue";
import { listingPath } from "@/shop/sorting";

export function CategoryTiles({ categories }: { categories: Category[] }) {
  return (
    <ul role="list" className="category-grid">
      {categories.map((category) => (
        <li key={category.id}>
          <Link href={listingPath(category.id)} className="category-tile" prefetch={false}>
            <strong>{category.name}</strong>
          </Link>
        </li>
      ))}
    </ul>
  );
}
