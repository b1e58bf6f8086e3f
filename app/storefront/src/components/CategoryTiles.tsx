import type { Category, Product } from "@/shop/catalogue";
import { listingPath } from "@/shop/sorting";
import { Link } from "./Link";
import { ProductImage } from "./ProductImage";

/** `pictures`: a product of each category, by the category's id, where there is one to show. */
export function CategoryTiles({ categories, pictures }: { categories: Category[]; pictures?: Map<number, Product> }) {
  return (
    <ul role="list" className={pictures ? "category-grid pictured" : "category-grid"}>
      {categories.map(({ id, name }) => {
        const picture = pictures?.get(id);
        return (
          <li key={id}>
            <Link href={listingPath(id)} className={pictures ? "department-tile" : "category-tile"}>
              {pictures ? (
                <span>
                  {picture ? <ProductImage product={picture} alt="" sizes="(min-width: 48rem) 160px, 46vw" /> : null}
                </span>
              ) : null}
              <strong>{name}</strong>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
