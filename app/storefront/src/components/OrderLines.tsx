import type { OrderLine } from "@/shop/orders";
import { Link } from "./Link";
import { ProductImage } from "./ProductImage";

export function OrderLines({ lines }: { lines: OrderLine[] }) {
  return (
    <ul role="list" className="order-lines">
      {lines.map((line) => (
        <li key={line.product_id}>
          <span className="line-picture">
            <ProductImage product={{ image: line.image, blurhash: "" }} alt="" sizes="56px" />
          </span>
          <span>
            {line.quantity} × <Link href={`/products/${line.product_id}`}>{line.name}</Link>
          </span>
        </li>
      ))}
    </ul>
  );
}
