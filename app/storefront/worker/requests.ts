/** Which requests are what, by address alone. */

const PUBLIC_API = /^\/api\/(?:products(?:\/\d+(?:\/inventory)?)?|categories|reviews\/\d+|search(?:\/suggestions)?)$/;

/** The public, cacheable part of the API. Carts, orders, profiles and sessions are not: never into a cache. */
export const isPublicApi = (url: URL): boolean => PUBLIC_API.test(url.pathname);

/** Pages that are different for each visitor and each time; their shells are precached, so they needn't be kept. */
const PRIVATE_PAGE = /^\/(?:account|cart|checkout|login|changes|orders)(?:\/|$)/;

export const isPrivatePage = (url: URL): boolean => PRIVATE_PAGE.test(url.pathname);
