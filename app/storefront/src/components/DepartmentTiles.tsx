import type { Product } from "@/shop/catalogue";
import { Link } from "./Link";
import { ProductImage } from "./ProductImage";

interface Department {
  name: string;
  picture: Product | undefined;
}

export function DepartmentTiles({ departments }: { departments: Department[] }) {
  return (
    <ul role="list" className="category-grid">
      {departments.map(({ name, picture }) => (
        <li key={name}>
          <Link href={`/categories#${name.toLowerCase()}`} className="department-tile">
            <span>
              {picture ? (
                <ProductImage product={picture} alt="" view="room" sizes="(min-width: 48rem) 230px, 46vw" />
              ) : null}
            </span>
            <strong>{name}</strong>
          </Link>
        </li>
      ))}
    </ul>
  );
}
