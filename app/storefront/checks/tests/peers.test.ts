import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { tellPeers } from "@/server/peers";

let peer: Server;
let status = 200;
let told: string[] = [];

beforeEach(async () => {
  told = [];
  status = 200;
  peer = createServer((request, response) => {
    told.push(`${request.method} ${request.url} ${request.headers["x-signature"]}`);
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("PORT", String((peer.address() as AddressInfo).port));
  vi.stubEnv("POD_IP", "::1");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => peer.close(resolve));
});

const tell = (headers = new Headers()) => tellPeers(headers, "{}", "signed");

test("peers are found as the pod's resolver finds a name, not by DNS alone", async () => {
  vi.stubEnv("PEERS_HOST", "localhost"); // /etc/hosts has it, no DNS server does
  expect(await tell()).toEqual([]);
  expect(told).toEqual(["POST /revalidate signed"]);
});

test("a peer that refuses is named, and so is a name that can't be looked up", async () => {
  vi.stubEnv("PEERS_HOST", "localhost");
  status = 503;
  expect(await tell()).toEqual(["127.0.0.1"]);
  vi.stubEnv("PEERS_HOST", "peers.invalid");
  expect(await tell()).toEqual(["peers.invalid"]);
});

test("what a peer passed on isn't passed on again", async () => {
  vi.stubEnv("PEERS_HOST", "localhost");
  expect(await tell(new Headers({ "x-passed-on": "1" }))).toEqual([]);
  expect(told).toEqual([]);
});
