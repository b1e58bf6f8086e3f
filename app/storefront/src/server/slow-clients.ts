/** Cuts off who sends a request byte by byte. Node's own limits, a minute and five, let one client hold many connections. */
import { subscribe } from "node:diagnostics_channel";
import type { Server } from "node:http";

const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;

/** From the first connection on. Node looks every half a minute, so one ends after 45 s at the latest. */
export function cutOffSlowClients(): void {
  subscribe("net.server.socket", (message) => {
    const { server } = (message as { socket: { server?: Partial<Server> } }).socket;
    if (server?.headersTimeout === undefined) return;
    server.headersTimeout = HEADERS_MS;
    server.requestTimeout = REQUEST_MS;
  });
}
