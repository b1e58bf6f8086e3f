import type { Product } from "@/shop/catalogue";
import { priceText } from "@/shop/money";
import { Link } from "./Link";
import { ProductImage } from "./ProductImage";
import { Rating } from "./Rating";

const SIZES = "(min-width: 80rem) 284px, (min-width: 48rem) 30vw, 46vw";

export function ProductCard({ product, preload = false }: { product: Product; preload?: boolean }) {
  return (
    <article className="product-card">
      <div className="product-card-picture">
        <ProductImage product={product} alt="" sizes={SIZES} preload={preload} />
      </div>
      <h3>
        <Link href={`/products/${product.id}`}>{product.name}</Link>
      </h3>
      <p className="product-card-brand">{product.brand}</p>
      <p className="product-card-line">
        <span className="price">{priceText(product)}</span>
        {product.stock > 0 ? (
          <Rating value={product.rating} count={product.ratingCount} />
        ) : (
          <span className="tag warn">Sold out</span>
        )}
      </p>
    </article>
  );
}

/** `preload`: how many of the first pictures are in the first view of the page. */
export function ProductGrid({ products, preload = 0 }: { products: Product[]; preload?: number }) {
  return (
    <ul role="list" className="product-grid">
      {products.map((product, index) => (
        <li key={product.id}>
          <ProductCard product={product} preload={index < preload} />
        </li>
      ))}
    </ul>
  );
}
