import type { Category, Product } from "@/shop/catalogue";
import { type Facets, queryOf, type Wanted } from "@/shop/filters";
import { listingPath } from "@/shop/sorting";
import { Crumbs } from "./Crumbs";
import { Filters } from "./Filters";
import { MoreProducts } from "./MoreProducts";
import { NothingLeft } from "./NothingLeft";
import { ProductGrid } from "./ProductCard";
import { SortLinks } from "./SortLinks";

interface Props {
  title: string;
  description: string;
  /** Of a category's own page. */
  categoryId?: number;
  wanted: Wanted;
  facets: Facets | undefined;
  /** To choose from, on the page of all. */
  categories?: Category[];
  currency: string;
  products: Product[];
  next?: string;
}

/** A category's products, or all of them. */
export function Listing({ title, description, categoryId, wanted, facets, currency, products, next, ...rest }: Props) {
  const path = listingPath(categoryId);
  const filters = categoryId === undefined ? wanted.filters : { ...wanted.filters, category: categoryId };
  const categories = (rest.categories ?? []).map(({ id, name }) => ({ id, name }));
  return (
    <>
      <header className="page-head">
        <Crumbs trail={[{ label: "Home", href: "/" }, { label: "Shop", href: "/categories" }, { label: title }]} />
        <h1>{title}</h1>
        {description ? <p className="soft prose">{description}</p> : null}
        <SortLinks path={path} wanted={wanted} />
        <Filters path={path} wanted={wanted} facets={facets} categories={categories} currency={currency} />
      </header>
      <h2 className="visually-hidden">Products</h2>
      {products.length ? <ProductGrid products={products} preload={2} /> : <NothingLeft path={path} />}
      {next ? (
        <MoreProducts
          key={`${queryOf(filters)}-${wanted.sort}`}
          filters={filters}
          sort={wanted.sort}
          first={products}
          next={next}
        />
      ) : null}
    </>
  );
}
