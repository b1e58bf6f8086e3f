import { CountryChoice } from "./CountryChoice";
import { Link } from "./Link";
import { ThemeChoice } from "./ThemeChoice";

const COLUMNS = [
  {
    title: "Shop",
    links: [
      ["Everything", "/products"],
      ["Categories", "/categories"],
      ["New in", "/products?sort=newest"],
      ["Best rated", "/products?sort=rating"],
    ],
  },
  {
    title: "You",
    links: [
      ["Account", "/account"],
      ["Orders", "/account/orders"],
      ["Cart", "/cart"],
      ["Unsent changes", "/changes"],
    ],
  },
] as const;

export function SiteFooter() {
  return (
    <footer className="site-footer">
      <div className="site-footer-inner">
        <div>
          <p className="wordmark">Simone</p>
          <p className="soft prose small">
            Well-made things for everyday life. It works offline too: browse and fill your cart on the train.
          </p>
        </div>
        {COLUMNS.map((column) => (
          <nav key={column.title} aria-label={column.title}>
            <h2>{column.title}</h2>
            <ul role="list">
              {column.links.map(([label, href]) => (
                <li key={href}>
                  <Link href={href}>{label}</Link>
                </li>
              ))}
            </ul>
          </nav>
        ))}
        <div className="site-choices">
          <CountryChoice />
          <ThemeChoice />
        </div>
      </div>
    </footer>
  );
}
