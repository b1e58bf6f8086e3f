/**
 * The response headers that `app/caching.yaml` gives the storefront's own routes, for `headers()` in next.config.
 *
 * Computed as `Route.cache_control` and `.cdn_cache_control` of app/caching_policy.py, which also checks the file; a test
 * compares the two for every route. `Vary` is left to the gateway: Next sets its own. Read once, when the shop is built.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

const YEAR_SECONDS = 365 * 24 * 60 * 60;
/** What answers under these first segments is the API, behind the same origin. */
const API_SEGMENTS = new Set(["api", "health", "ready"]);

/** @typedef {{ route: string, methods?: string[], audience: "public" | "user" | "never", browser_ttl?: number,
 *   edge_ttl?: number, stale_while_revalidate?: number, stale_if_error?: number }} Route */

/** @param {string} scope @param {number} fresh @param {number} whileRevalidate @param {number} ifError */
function directives(scope, fresh, whileRevalidate, ifError) {
  return [
    ...(scope ? [scope] : []),
    `max-age=${fresh}`,
    ...(whileRevalidate ? [`stale-while-revalidate=${whileRevalidate}`] : []),
    ...(ifError ? [`stale-if-error=${ifError}`] : []),
  ].join(", ");
}

/** @param {Route} route */
export function cacheControl(route) {
  if (route.audience === "never") return "private, no-store";
  if (route.audience === "user") return "private, no-cache";
  const fresh = route.browser_ttl ?? 0;
  if (!fresh) return "public, no-cache";
  if (fresh >= YEAR_SECONDS) return `public, max-age=${fresh}, immutable`;
  return directives("public", fresh, 0, route.stale_if_error ?? 0);
}

/** @param {Route} route @returns {string | undefined} */
export function cdnCacheControl(route) {
  if (route.audience !== "public") return undefined;
  if (!route.edge_ttl) return "no-store";
  return directives("", route.edge_ttl, route.stale_while_revalidate ?? 0, route.stale_if_error ?? 0);
}

/** `/products/{product_id}` as Next's router writes it: `/products/:product_id`. @param {string} route */
export function toSource(route) {
  return route.replace(/\{([a-z0-9_]+)\*\}/g, ":$1+").replace(/\{([a-z0-9_]+)\}/g, ":$1");
}

/** How long it is kept that a page isn't there, in seconds. @param {string} file path of caching.yaml @returns {number} */
export const notFoundSeconds = (file) => parse(readFileSync(file, "utf8")).errors.not_found_ttl;

/**
 * @param {string} file path of caching.yaml
 * @returns {{ source: string, headers: { key: string, value: string }[] }[]}
 */
export function cachingHeaders(file) {
  /** @type {{ routes: Route[] }} */
  const policy = parse(readFileSync(file, "utf8"));
  const own = policy.routes.filter(
    (route) => !API_SEGMENTS.has(route.route.split("/")[1] ?? "") && (route.methods ?? ["GET"]).includes("GET"),
  );
  return own.map((route) => {
    const headers = [{ key: "Cache-Control", value: cacheControl(route) }];
    const edge = cdnCacheControl(route);
    if (edge) headers.push({ key: "Cloudflare-CDN-Cache-Control", value: edge });
    return { source: toSource(route.route), headers };
  });
}
