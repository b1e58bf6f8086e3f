/** Prometheus metrics on a port of their own, so that the public one never shows them. */
import { subscribe } from "node:diagnostics_channel";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { collectDefaultMetrics, Counter, Histogram, Registry } from "prom-client";

const registry = new Registry();

const duration = new Histogram({
  name: "storefront_request_duration_seconds",
  help: "Time from a request's arrival to the end of its answer, by kind of address and status class.",
  labelNames: ["route", "status"],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  registers: [registry],
});

const pages = new Counter({
  name: "storefront_page_cache_total",
  help: "Pages by what Next's own cache had: HIT, STALE (served while made anew) or MISS.",
  labelNames: ["result"],
  registers: [registry],
});

const started = new WeakMap<IncomingMessage, bigint>();

/** A handful of kinds instead of addresses, whose number has no bound. */
function routeOf(url: string): string {
  const path = url.split("?", 1)[0] ?? "";
  if (path === "/") return "home";
  if (path.startsWith("/_next/image")) return "image";
  if (path.startsWith("/_next/") || path.startsWith("/images/") || path.startsWith("/icons/")) return "file";
  if (path.startsWith("/api/") || path === "/health") return "api";
  const [, first = "", second] = path.split("/");
  if (first === "products") return second ? "product" : "listing";
  if (first === "categories") return second ? "listing" : "categories";
  return KNOWN.has(first) ? first : "other";
}

const KNOWN = new Set([
  "cart",
  "checkout",
  "login",
  "account",
  "search",
  "changes",
  "offline",
  "revalidate",
  "healthz",
  "sw.js",
]);

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

function observe(): void {
  subscribe("http.server.request.start", (message) => {
    started.set((message as Exchange).request, process.hrtime.bigint());
  });
  subscribe("http.server.response.finish", (message) => {
    const { request, response } = message as Exchange;
    const since = started.get(request);
    if (since === undefined || request.socket.localPort === Number(process.env.METRICS_PORT)) return;
    const status = `${Math.floor(response.statusCode / 100)}xx`;
    duration.observe({ route: routeOf(request.url ?? ""), status }, Number(process.hrtime.bigint() - since) / 1e9);
    const cache = response.getHeader("x-nextjs-cache");
    if (typeof cache === "string") pages.inc({ result: cache });
  });
}

export function serveMetrics(port: number, host: string): void {
  collectDefaultMetrics({ register: registry });
  observe();
  createServer(async (request, response) => {
    if (request.url !== "/metrics") {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": registry.contentType }).end(await registry.metrics());
  }).listen(port, host);
}
