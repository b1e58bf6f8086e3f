import images from "@/generated/images.json";
import type { View } from "./image-views";

/**
 * Address of a product's picture. `design` is what the catalogue calls it (`image`); the drawings' version, a hash of
 * everything they are drawn from, is part of the address, so that a changed picture never meets an old cached one.
 */
export const imagePath = (design: string, view: View = "front"): string =>
  `/images/products/${images.version}/${design}-${view}.jpg`;
