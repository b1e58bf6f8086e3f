import { Link } from "./Link";

/** Instead of products where the filters leave none. */
export function NothingLeft({ path }: { path: string }) {
  return (
    <div className="empty">
      <p className="soft prose">Nothing is all of that at once. With one filter less there may be something.</p>
      <Link href={path} className="button quiet" prefetch={false}>
        Without any filter
      </Link>
    </div>
  );
}
