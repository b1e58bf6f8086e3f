import { Link } from "./Link";

export function SignInFirst({ next }: { next: string }) {
  return (
    <div className="empty">
      <p className="soft">Sign in to see this page.</p>
      <Link href={`/login?next=${next}`} className="button">
        Sign in
      </Link>
    </div>
  );
}
