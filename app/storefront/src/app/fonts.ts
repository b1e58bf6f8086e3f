/**
 * Both from Fontsource (SIL Open Font License), Latin only, cut in two by what is said here (tools/fonts.mjs): what English
 * is written with, 13 and 15 KB, which every page asks for at once; and what else a name may need, once there is such a name.
 * The ranges stand twice, since next/font takes nothing but literals.
 */
import localFont from "next/font/local";

export const body = localFont({
  src: "../generated/figtree-english.woff2",
  weight: "300 900",
  variable: "--font-body-english",
  display: "swap",
  adjustFontFallback: "Arial",
  declarations: [
    {
      prop: "unicode-range",
      value: "U+20-7E, U+A0, U+A3, U+B7, U+D7, U+2013-2014, U+2018-2019, U+201C-201D, U+2026, U+20AC, U+2212",
    },
  ],
});

export const bodyBeyond = localFont({
  src: "../generated/figtree-beyond.woff2",
  weight: "300 900",
  variable: "--font-body-beyond",
  display: "swap",
  preload: false,
  adjustFontFallback: false,
  declarations: [
    {
      prop: "unicode-range",
      value:
        "U+A1-A2, U+A4-B6, U+B8-D6, U+D8-17F, U+2C6-2DC, U+300-308, U+201A, U+201E, U+2022, U+2039-203A, U+2044, U+2122",
    },
  ],
});

export const display = localFont({
  src: "../generated/instrument-serif-english.woff2",
  weight: "400",
  variable: "--font-display-english",
  display: "swap",
  adjustFontFallback: "Times New Roman",
  declarations: [
    {
      prop: "unicode-range",
      value: "U+20-7E, U+A0, U+A3, U+B7, U+D7, U+2013-2014, U+2018-2019, U+201C-201D, U+2026, U+20AC, U+2212",
    },
  ],
});

export const displayBeyond = localFont({
  src: "../generated/instrument-serif-beyond.woff2",
  weight: "400",
  variable: "--font-display-beyond",
  display: "swap",
  preload: false,
  adjustFontFallback: false,
  declarations: [
    {
      prop: "unicode-range",
      value:
        "U+A1-A2, U+A4-B6, U+B8-D6, U+D8-17F, U+2C6-2DC, U+300-308, U+201A, U+201E, U+2022, U+2039-203A, U+2044, U+2122",
    },
  ],
});
