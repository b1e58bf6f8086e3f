/** What further pages of a listing come from: the shop, or this browser's copy. */
export { storedListing } from "@/offline/catalogue";
export { ApiError, fetchProducts } from "./browser-api";
