/**
 * A page that isn't there, as a whole page: with its words and its language, for whoever runs no script as well. Next itself
 * answers `notFound()` in a page with an empty document that a script is to fill.
 */
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import path from "node:path";
import { ofPage } from "./content-security.mjs";

const NOT_FOUND = 404;
/** Of app/caching.yaml, for what the policy would let anybody keep; what is one visitor's is kept by nobody. */
const KEPT = `max-age=${process.env.NOT_FOUND_SECONDS}`;
const UNKEPT = "private, no-store";
/** What is about the body that isn't sent. */
const OF_THE_BODY = ["content-encoding", "transfer-encoding", "etag", "link"];

let made: { html: Buffer; policy: string } | undefined;

/** The page that is made with the shop, and its policy. */
function page(): { html: Buffer; policy: string } {
  if (!made) {
    const file = path.join(/* turbopackIgnore: true */ process.cwd(), ".next", "server", "app", "_not-found.html");
    const html = readFileSync(file);
    made = { html, policy: ofPage(html.toString()) };
  }
  return made;
}

/**
 * Prepares a response that may say that a page isn't there; what is returned has it say so with that page, just before its
 * head is written, and gives the page's policy. What compresses (codings.mjs) holds on to the methods that it finds here.
 */
export function preparingNotFound(response: ServerResponse): () => string | undefined {
  let instead: Buffer | undefined;
  const write = response.write.bind(response) as (...given: unknown[]) => boolean;
  const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse;
  response.write = ((...given: unknown[]) => {
    if (!response.headersSent) response.writeHead(response.statusCode);
    return instead ? true : write(...given);
  }) as typeof response.write;
  response.end = ((...given: unknown[]) => {
    if (!response.headersSent) response.writeHead(response.statusCode);
    return instead ? end(instead) : end(...given);
  }) as typeof response.end;
  return () => {
    if (response.statusCode !== NOT_FOUND) return undefined;
    const { html, policy } = page();
    instead = html;
    for (const name of OF_THE_BODY) response.removeHeader(name);
    response.setHeader("Content-Length", html.length);
    if (response.getHeader("cache-control") !== UNKEPT) {
      response.setHeader("Cache-Control", `public, ${KEPT}`);
      if (response.hasHeader("cloudflare-cdn-cache-control")) response.setHeader("Cloudflare-CDN-Cache-Control", KEPT);
    }
    return policy;
  };
}
