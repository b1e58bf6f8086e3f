import type { FirstReviews, Product } from "@/shop/catalogue";
import { priceText } from "@/shop/money";
import { listingPath } from "@/shop/sorting";
import { AddToCart } from "./AddToCart";
import { Crumbs } from "./Crumbs";
import { Gallery } from "./Gallery";
import { Rating } from "./Rating";
import { Remember } from "./Remember";
import { Reviews } from "./Reviews";

/** From how many pieces on we don't say how few are left. */
const PLENTY = 10;

function Stock({ pieces, asOf }: { pieces: number; asOf?: number }) {
  const then = asOf ? ` (as of ${time(asOf)})` : "";
  if (pieces <= 0) return <p className="stock out">Sold out for now{then}</p>;
  if (pieces < PLENTY)
    return (
      <p className="stock low">
        Only {pieces} left{then}
      </p>
    );
  return <p className="stock">In stock{then}</p>;
}

/** In the visitor's own time: 08:12, and the day unless it is today. */
function time(at: number): string {
  const then = new Date(at);
  const today = then.toDateString() === new Date().toDateString();
  return then.toLocaleString("en-GB", {
    ...(today ? {} : { day: "numeric", month: "long" }),
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** A product's page: made on the server, and in the browser from its own copy when there is no network. */
export function ProductView({
  product,
  reviews,
  member = false,
  asOf,
}: {
  product: Product;
  reviews?: FirstReviews;
  member?: boolean;
  /** From this browser's copy: when the shop said so (milliseconds since the epoch). */
  asOf?: number;
}) {
  const trail = [
    { label: "Home", href: "/" },
    ...(product.categoryName ? [{ label: product.categoryName, href: listingPath(product.categoryId) }] : []),
    { label: product.name },
  ];
  return (
    <>
      <div className="page-head close">
        <Crumbs trail={trail} />
      </div>
      <div className="product">
        <Gallery product={product} />
        <div className="product-info">
          <div>
            <p className="eyebrow">{product.brand}</p>
            <h1>{product.name}</h1>
          </div>
          <Rating value={product.rating} count={product.ratingCount} />
          <p className="product-price">
            {priceText(product)} {member ? <span className="tag good">Member price</span> : null}
          </p>
          <p className="small soft">Nothing is added at checkout.</p>
          <Stock pieces={product.stock} {...(asOf ? { asOf } : {})} />
          <AddToCart product={product} />
          {product.description ? <p className="prose">{product.description}</p> : null}
          <dl className="facts">
            <div>
              <dt>Delivery</dt>
              <dd>Free</dd>
            </div>
            <div>
              <dt>Item number</dt>
              <dd>{product.id}</dd>
            </div>
          </dl>
        </div>
      </div>
      {reviews ? <Reviews product={product} first={reviews} /> : null}
      <Remember product={product} />
    </>
  );
}
