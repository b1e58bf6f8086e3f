import { CartLink } from "./CartLink";
import { PersonIcon } from "./icons";
import { Link } from "./Link";
import { SearchBox } from "./SearchBox";

export function SiteHeader() {
  return (
    <header className="site-header">
      <div className="site-header-row">
        <Link href="/" className="wordmark" aria-label="SIMONE, home">
          Simone
        </Link>
        <nav className="site-nav" aria-label="Main">
          <Link href="/categories">Shop</Link>
          <Link href="/products?sort=newest">New in</Link>
        </nav>
        <SearchBox />
        <div className="site-tools">
          <Link href="/account" className="icon-link" aria-label="Your account">
            <PersonIcon />
          </Link>
          <CartLink />
        </div>
      </div>
    </header>
  );
}
