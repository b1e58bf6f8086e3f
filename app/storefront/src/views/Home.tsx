import { DepartmentTiles } from "@/components/DepartmentTiles";
import { Link } from "@/components/Link";
import { ProductGrid } from "@/components/ProductCard";
import { ProductImage } from "@/components/ProductImage";
import type { Market } from "@/shop/market";
import { categories, products } from "@/shop/server-api";
import { listingPath } from "@/shop/sorting";

const SHELF = 8;

/** What the shop itself does: no more is promised. */
const PROMISES = [
  ["The price you see is what you pay", "Delivery is free. If a price changes, we show you before you order."],
  ["No account needed", "Order as a guest, or sign up to find your orders on every device."],
  ["No signal? No problem", "Browse and fill your cart offline. It’s sent when you’re back online."],
];

export async function Home({ market }: { market: Market }) {
  const [loved, fresh, all] = await Promise.all([
    products(market, { sort: "popularity", limit: SHELF }),
    products(market, { sort: "newest", limit: SHELF }),
    categories(market),
  ]);
  const [favourite] = loved.items;
  const departments = [
    ...new Map(all.toReversed().map((category) => [category.department, category])).values(),
  ].toReversed();
  const shown = await Promise.all(
    departments.map(({ id }) => products(market, { categoryId: id, sort: "popularity", limit: 1 })),
  );
  return (
    <>
      <section className="hero" aria-labelledby="welcome">
        <div className="hero-text">
          <h1 id="welcome">Fewer, better things.</h1>
          <p>Calm design and useful things for every room, and for the life you already have.</p>
          <div className="hero-actions">
            <Link href="/products" className="button">
              Shop everything
            </Link>
            <Link href={listingPath(undefined, "newest")} className="button quiet">
              See what’s new
            </Link>
          </div>
        </div>
        {favourite ? (
          <div className="hero-picture">
            <ProductImage
              product={favourite}
              alt={favourite.name}
              view="room"
              sizes="(min-width: 48rem) 640px, 92vw"
              preload
            />
          </div>
        ) : null}
      </section>

      <section className="section" aria-labelledby="loved">
        <div className="section-head">
          <h2 id="loved">Most loved</h2>
          <Link href="/products">See all</Link>
        </div>
        <ProductGrid products={loved.items} />
      </section>

      <section className="section" aria-labelledby="departments">
        <div className="section-head">
          <h2 id="departments">Shop by department</h2>
          <Link href="/categories">All categories</Link>
        </div>
        <DepartmentTiles
          departments={departments.map(({ department }, index) => ({
            name: department,
            picture: shown[index]?.items[0],
          }))}
        />
      </section>

      <section className="section" aria-labelledby="new">
        <div className="section-head">
          <h2 id="new">Just arrived</h2>
          <Link href={listingPath(undefined, "newest")}>See all new</Link>
        </div>
        <ProductGrid products={fresh.items} />
      </section>

      <section className="section" aria-label="What you can count on">
        <ul role="list" className="promises">
          {PROMISES.map(([title, text]) => (
            <li key={title}>
              <h3>{title}</h3>
              <p className="soft small">{text}</p>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}
