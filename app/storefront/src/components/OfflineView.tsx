"use client";
import { useEffect, useState } from "react";
import { storedCategories, storedListing, storedProduct } from "@/offline/catalogue";
import { probe } from "@/offline/connection";
import { useOnline } from "@/offline/use-online";
import type { StoredProduct } from "@/offline/database";
import type { Category, Product } from "@/shop/catalogue";
import { type Facets, facetsOf, matches, type Wanted, wantedIn } from "@/shop/filters";
import { leave } from "@/shop/leaving";
import { DEFAULT_SORT, listingPath, PAGE_SIZE } from "@/shop/sorting";
import { CategoryTiles } from "./CategoryTiles";
import { Filters } from "./Filters";
import { Link } from "./Link";
import { NothingLeft } from "./NothingLeft";
import { ProductGrid } from "./ProductCard";
import { part } from "./part";
import { SortLinks } from "./SortLinks";

/** Each visit without a network needs one of them at most; both lie in the precache. */
const ProductView = part("offline-product", () => import("./ProductView").then((module) => module.ProductView));
const AskedSearch = part("offline-search", () => import("./AskedSearch").then((module) => module.AskedSearch));

type Content =
  | { kind: "product"; product: StoredProduct }
  | {
      kind: "listing";
      title: string;
      categoryId?: number;
      wanted: Wanted;
      products: Product[];
      facets: Facets;
      categories: Category[];
    }
  | { kind: "home"; products: Product[]; categories: Category[] }
  | { kind: "search" }
  | { kind: "nothing" };

/** Which page the visitor asked for, made from the browser's copy of the catalogue. */
async function contentFor(address: Location): Promise<Content> {
  const product = /^\/products\/(\d+)$/.exec(address.pathname);
  if (product) {
    const found = await storedProduct(Number(product[1]));
    return found ? { kind: "product", product: found } : { kind: "nothing" };
  }
  const listing = /^\/(?:products|categories\/(\d+))$/.exec(address.pathname);
  if (listing) {
    const category = listing[1] ? { category: Number(listing[1]) } : {};
    const wanted = wantedIn(new URLSearchParams(address.search));
    const filters = { ...wanted.filters, ...category };
    const [all, categories] = await Promise.all([storedListing(category, wanted.sort), storedCategories()]);
    if (!all.length) return { kind: "nothing" };
    const categoryId = category.category;
    return {
      kind: "listing",
      title: categories.find(({ id }) => id === categoryId)?.name ?? "Everything",
      wanted,
      products: all.filter((product) => matches(product, filters)),
      facets: facetsOf(all, filters),
      categories: categoryId === undefined ? categories : [],
      ...(categoryId === undefined ? {} : { categoryId }),
    };
  }
  if (address.pathname === "/search") return { kind: "search" };
  if (address.pathname === "/" || address.pathname === "/categories") {
    const [products, categories] = await Promise.all([storedListing({}, DEFAULT_SORT), storedCategories()]);
    return products.length ? { kind: "home", products, categories } : { kind: "nothing" };
  }
  return { kind: "nothing" };
}

/** As the page's own title is; React doesn't know the address that this one page stands for. */
function titleOf(content: Content): string | undefined {
  switch (content.kind) {
    case "product":
      return content.product.name;
    case "listing":
      return content.title;
    case "search":
      return new URLSearchParams(location.search).get("q") ?? "Search";
    default:
      return undefined;
  }
}

export function OfflineView() {
  const [content, setContent] = useState<Content>();
  const [shown, setShown] = useState(PAGE_SIZE);
  const online = useOnline();

  useEffect(() => {
    void probe();
    contentFor(location).then(setContent, () => setContent({ kind: "nothing" }));
  }, []);

  useEffect(() => {
    const title = content && titleOf(content);
    if (!title) return undefined;
    const keep = (): void => {
      if (document.title !== `${title} · SIMONE`) document.title = `${title} · SIMONE`;
    };
    keep();
    // The page's own title may come after its content.
    const observer = new MutationObserver(keep);
    observer.observe(document.head, { childList: true, subtree: true, characterData: true });
    return () => observer.disconnect();
  }, [content]);

  if (!content) return <h1 className="page-head">Loading…</h1>;
  switch (content.kind) {
    case "product":
      return <ProductView product={content.product} asOf={content.product.asOf ?? content.product.usedAt} />;
    case "search":
      return <AskedSearch />;
    case "home":
      return (
        <>
          <header className="page-head">
            <h1>The shop, offline</h1>
          </header>
          <CategoryTiles categories={content.categories} />
          <section className="section">
            <ProductGrid products={content.products.slice(0, shown)} />
          </section>
        </>
      );
    case "listing":
      return (
        <>
          <header className="page-head">
            <h1>{content.title}</h1>
            <p className="soft">{content.products.length.toLocaleString("en")} products saved on this device</p>
            <SortLinks path={listingPath(content.categoryId)} wanted={content.wanted} />
            <Filters
              path={listingPath(content.categoryId)}
              wanted={content.wanted}
              facets={content.facets}
              categories={content.categories}
              currency={content.products[0]?.currency ?? "EUR"}
            />
          </header>
          <h2 className="visually-hidden">Products</h2>
          {content.products.length ? (
            <ProductGrid products={content.products.slice(0, shown)} />
          ) : (
            <NothingLeft path={listingPath(content.categoryId)} />
          )}
          {shown < content.products.length ? (
            <div className="more">
              <button type="button" className="button quiet" onClick={() => setShown(shown + PAGE_SIZE)}>
                Show more
              </button>
            </div>
          ) : null}
        </>
      );
    case "nothing":
      return (
        <div className="empty">
          <h1>{online ? "This page couldn’t be loaded." : "You’re offline."}</h1>
          <p className="soft prose">This page isn’t saved on this device. Your cart and what you’ve looked at are.</p>
          <div className="hero-actions">
            <button type="button" className="button" onClick={() => leave()}>
              Try again
            </button>
            <Link href="/cart" className="button quiet">
              Your cart
            </Link>
            <Link href="/products" className="button quiet">
              Browse the shop
            </Link>
          </div>
        </div>
      );
  }
}
