import type { Product } from "@/shop/catalogue";
import type { Sort } from "@/shop/sorting";
import { Crumbs } from "./Crumbs";
import { MoreProducts } from "./MoreProducts";
import { ProductGrid } from "./ProductCard";
import { SortLinks } from "./SortLinks";

interface Props {
  title: string;
  description: string;
  categoryId?: number;
  sort: Sort;
  products: Product[];
  next?: string;
}

/** A category's products, or all of them. */
export function Listing({ title, description, categoryId, sort, products, next }: Props) {
  const of = categoryId === undefined ? {} : { categoryId };
  return (
    <>
      <header className="page-head">
        <Crumbs trail={[{ label: "Home", href: "/" }, { label: "Shop", href: "/categories" }, { label: title }]} />
        <h1>{title}</h1>
        {description ? <p className="soft prose">{description}</p> : null}
        <SortLinks {...of} current={sort} />
      </header>
      <h2 className="visually-hidden">Products</h2>
      <ProductGrid products={products} preload={2} />
      {next ? <MoreProducts key={`${categoryId}-${sort}`} {...of} sort={sort} first={products} next={next} /> : null}
    </>
  );
}
