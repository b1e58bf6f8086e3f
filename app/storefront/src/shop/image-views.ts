/** The pictures of a product, by what they show; the first is the one in listings. */
export const VIEWS = ["front", "detail", "room"] as const;
export type View = (typeof VIEWS)[number];

/** Widths in pixels that next/image asks for: of pictures as wide as the page, and of smaller ones. */
export const PAGE_WIDTHS = [640, 750, 828, 1080, 1200, 1920];
/** 256 and 384 beside the usual ones: a card on a phone is 160 to 190 CSS pixels wide. */
export const CARD_WIDTHS = [32, 48, 64, 96, 128, 256, 384];
export const QUALITY = 85;
