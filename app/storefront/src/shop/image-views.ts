/** The pictures of a product, by what they show; the first is the one in listings. */
export const VIEWS = ["front", "detail", "room"] as const;
export type View = (typeof VIEWS)[number];
