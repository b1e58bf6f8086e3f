/**
 * Every pod keeps its own pages, so each has to be told what to throw away. `PEERS_HOST` is a name that resolves to all
 * pods (a headless Service); unset: there is one pod.
 */
import { lookup } from "node:dns/promises";

const TIMEOUT_MS = 3_000;
/** Marks what one pod passes on to another, which must not pass it on again. */
const PASSED_ON = "x-passed-on";

/** Pass a signed body on to the other pods; the addresses of those that didn't take it, or the name that has none. */
export async function tellPeers(headers: Headers, body: string, signature: string): Promise<string[]> {
  const host = process.env.PEERS_HOST;
  if (!host || headers.has(PASSED_ON)) return [];
  // Unlike resolve4, lookup reads resolv.conf's search domains, which complete a Service's name.
  const found = await lookup(host, { all: true }).catch(() => undefined);
  if (!found) return [host];
  const others = found.filter(({ address }) => address !== process.env.POD_IP);
  const told = await Promise.allSettled(
    others.map(async ({ address, family }) => {
      const answer = await fetch(
        `http://${family === 6 ? `[${address}]` : address}:${process.env.PORT ?? "8000"}/revalidate`,
        {
          method: "POST",
          headers: { "content-type": "application/json", "x-signature": signature, [PASSED_ON]: "1" },
          body,
          cache: "no-store",
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
      );
      if (!answer.ok) throw new Error(String(answer.status));
    }),
  );
  return others.map(({ address }) => address).filter((_, index) => told[index]?.status === "rejected");
}
