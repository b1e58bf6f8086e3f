import { Link } from "@/components/Link";

export default function NotFound() {
  return (
    <div className="empty">
      <p className="eyebrow">404</p>
      <h1>There is nothing here.</h1>
      <p className="soft prose">
        The page may have moved, or the product is no longer sold. You can still browse the whole shop.
      </p>
      <Link href="/products" className="button">
        Shop everything
      </Link>
    </div>
  );
}
