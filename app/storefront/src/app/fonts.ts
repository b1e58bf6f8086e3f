import localFont from "next/font/local";

/** Both from Fontsource (SIL Open Font License), Latin subset only: 20 KB each. */
export const body = localFont({
  src: "../../node_modules/@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2",
  weight: "300 900",
  variable: "--font-body",
  display: "swap",
  adjustFontFallback: "Arial",
});

export const display = localFont({
  src: "../../node_modules/@fontsource/instrument-serif/files/instrument-serif-latin-400-normal.woff2",
  weight: "400",
  variable: "--font-display",
  display: "swap",
  adjustFontFallback: "Times New Roman",
});
