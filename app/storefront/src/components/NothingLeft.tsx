import { Link } from "./Link";

/** Instead of products where the filters leave none. */
export function NothingLeft({ path }: { path: string }) {
  return (
    <div className="empty">
      <p className="soft prose">Nothing matches all of these filters. Try removing one.</p>
      <Link href={path} className="button quiet">
        Remove all filters
      </Link>
    </div>
  );
}
