/**
 * Hands a request on to the API, for whoever reaches the storefront without the gateway in front (which routes these
 * addresses itself). Device and a visitor's address are the edge's to say, so what a client claims
 * about them is left out; a country is the one that the address names.
 */
import { countryIn } from "./country";
import { apiUrl } from "./server-api";

const TIMEOUT_MS = 30_000;
/** Hop-by-hop (RFC 9110, 7.6.1), recomputed by fetch, or not a client's to say. */
const DROPPED_FROM_REQUEST = [
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  "content-length",
  "expect",
  "accept-encoding",
  "x-country",
  "x-device",
  "x-admin-update",
  "x-real-ip",
  "x-forwarded-for",
];
/** fetch has decoded the body. */
const DROPPED_FROM_ANSWER = ["connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length"];
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

export async function proxy(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  for (const name of DROPPED_FROM_REQUEST) headers.delete(name);
  const chosen = countryIn(search);
  if (chosen) headers.set("x-country", chosen);
  // Which site the visitor sees, for the API to compare with the one that the request comes from.
  headers.set("x-forwarded-host", request.headers.get("host") ?? "");
  let answer: Response;
  try {
    answer = await fetch(`${apiUrl()}${pathname}${search}`, {
      method: request.method,
      headers,
      ...(WITHOUT_BODY.has(request.method) ? {} : { body: await request.arrayBuffer() }),
      redirect: "manual",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    return Response.json(
      { title: "Bad Gateway", status: 502, detail: "The shop’s API can’t be reached." },
      { status: 502, headers: { "content-type": "application/problem+json", "cache-control": "no-store" } },
    );
  }
  const answered = new Headers(answer.headers);
  for (const name of DROPPED_FROM_ANSWER) answered.delete(name);
  return new Response(answer.body, { status: answer.status, headers: answered });
}
