/**
 * Cuts off who sends a request byte by byte, or doesn't read the response. Node's own limits, a minute, five and none, let
 * one client hold many connections.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Server } from "node:http";
import type { Socket } from "node:net";

const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
/** For a part of the response, 64 KB at most; as at the gateway. */
const READ_MS = 30_000;

/** From the first connection on. Node looks every half a minute, so one ends after 45 s at the latest. */
export function cutOffSlowClients(): void {
  subscribe("net.server.socket", (message) => {
    const { socket } = message as { socket: Socket & { server?: Partial<Server> } };
    const { server } = socket;
    if (server?.headersTimeout === undefined) return;
    server.headersTimeout = HEADERS_MS;
    server.requestTimeout = REQUEST_MS;
    resetUnread(socket);
  });
}

/** Not Node's timeout of a socket, which what the client sends puts off, and which leaves the rest to the kernel. */
function resetUnread(socket: Socket): void {
  let taken = 0;
  const timer = setInterval(() => {
    const before = taken;
    taken = socket.bytesWritten - socket.writableLength;
    if (socket.writableLength && taken === before) socket.resetAndDestroy();
  }, READ_MS).unref();
  socket.once("close", () => clearInterval(timer));
}
