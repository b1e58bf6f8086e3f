/** Which share of the browsers may take a new service worker now: `WORKER_ROLLOUT_PERCENT`, everybody without it. */
import type { Rollout } from "@/offline/rollout";

export const dynamic = "force-dynamic";

export function GET(): Response {
  const text = process.env.WORKER_ROLLOUT_PERCENT ?? "100";
  const percent = Number(text);
  if (!Number.isInteger(percent) || percent < 0 || percent > 100) {
    throw new Error(`WORKER_ROLLOUT_PERCENT is ${JSON.stringify(text)}: it must be a whole number from 0 to 100`);
  }
  return Response.json({ percent } satisfies Rollout, { headers: { "cache-control": "no-store" } });
}
