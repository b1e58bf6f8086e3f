import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { Background } from "@/components/Background";
import { SiteFooter } from "@/components/SiteFooter";
import { SiteHeader } from "@/components/SiteHeader";
import { APPLY_THEME } from "@/server/content-security.mjs";
import { publicOrigin } from "@/shop/origin";
import { body, bodyBeyond, display, displayBeyond } from "./fonts";
import "@/styles/tokens.css";
import "@/styles/base.css";
import "@/styles/chrome.css";
import "@/styles/catalogue.css";
import "@/styles/product.css";
import "@/styles/forms.css";

export const metadata: Metadata = {
  metadataBase: new URL(publicOrigin()),
  title: { default: "SIMONE — well-made things for everyday life", template: "%s · SIMONE" },
  description: "Well-made things for home, work and the outdoors. Delivery is free, and the shop works offline too.",
  applicationName: "SIMONE",
  manifest: "/manifest.webmanifest",
  icons: { icon: "/icons/icon.svg", apple: "/icons/icon-192.png" },
};

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#faf8f4" },
    { media: "(prefers-color-scheme: dark)", color: "#141210" },
  ],
};

const FONTS = [body, bodyBeyond, display, displayBeyond].map(({ variable }) => variable).join(" ");
const ASSETS = process.env.ASSET_PREFIX;

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" className={FONTS} suppressHydrationWarning>
      <head>
        {ASSETS ? <link rel="preconnect" href={ASSETS} /> : null}
        {ASSETS ? <link rel="dns-prefetch" href={ASSETS} /> : null}
        <script dangerouslySetInnerHTML={{ __html: APPLY_THEME }} />
      </head>
      <body>
        <a className="skip-link" href="#content">
          Skip to content
        </a>
        <SiteHeader />
        <main id="content" tabIndex={-1}>
          {children}
        </main>
        <SiteFooter />
        <Background />
      </body>
    </html>
  );
}
