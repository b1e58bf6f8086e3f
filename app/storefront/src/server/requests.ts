/**
 * What holds before Next sees a request, and before any response leaves.
 *
 * - An address that is no text, such as `/%ff`, isn't there: Next itself fails to decode it.
 * - What a listing is narrowed down to, and what is searched for, becomes one parameter each (narrowed.ts).
 * - Files are given whole (RFC 9110, 14.2) and unconditionally but for 304s: where a range lies outside, or If-Match names
 *   another version, Next fails with a 500. The gateway sees to both for what it keeps.
 * - Next's own redirects and failures have none of the headers of next.config.ts, and are no less safe.
 * - A page that isn't there is a whole page (not-found.ts).
 * - Next compresses by gzip alone (codings.mjs).
 * - A page that is made for one visitor, or that has failed, comes from no cache that would give it its policy
 *   (page-cache.mjs): its scripts have a nonce. In a page that is kept for all the nonce of whoever came first means nothing.
 */
import { randomBytes } from "node:crypto";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { prepareCoding } from "./codings.mjs";
import { assets, base, ofAnswer } from "./content-security.mjs";
import { pack } from "./narrowed";
import { preparingNotFound } from "./not-found";

const POLICY = "content-security-policy";
/** A character that stands for no text; no page has it. */
const NOWHERE = "/%EF%BF%BD";

/** The API's addresses are the API's: a write may ask for a version. */
const API = "/api/";
const UNMET = ["range", "if-range", "if-match", "if-unmodified-since"];

export function prepareRequests(): void {
  const always = base(assets());
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    request.url = isText(request.url ?? "") ? pack(request.url ?? "") : NOWHERE;
    if (!request.url?.startsWith(API)) for (const name of UNMET) delete request.headers[name];
    const nonce = randomBytes(16).toString("base64");
    // Where Next looks for it. What a client has said there is no word of ours.
    request.headers[POLICY] = `script-src 'nonce-${nonce}'`;
    delete request.headers[`${POLICY}-report-only`];
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader(POLICY, always);
    const notFound = preparingNotFound(response);
    const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse;
    response.writeHead = (...given: unknown[]) => {
      if (typeof given[0] === "number") response.statusCode = given[0];
      const own = isPage(response) ? notFound() : undefined;
      if (own) response.setHeader(POLICY, `${always}; ${own}`);
      else if (isPage(response) && !hasOwnPolicy(response)) response.setHeader(POLICY, `${always}; ${ofAnswer(nonce)}`);
      return writeHead(...given);
    };
    prepareCoding(request, response);
  });
}

function isText(address: string): boolean {
  try {
    return !decodeURIComponent(address.split("?", 1)[0] ?? "").includes("\0");
  } catch {
    return false;
  }
}

const isPage = (response: ServerResponse): boolean =>
  String(response.getHeader("content-type") ?? "").startsWith("text/html");

const hasOwnPolicy = (response: ServerResponse): boolean =>
  [response.getHeader(POLICY)].flat().some((policy) => String(policy).includes("script-src"));
