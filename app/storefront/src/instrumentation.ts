/** Next calls this once in each server process, before the first request. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs" || process.env.NEXT_PHASE === "phase-production-build") return;
  const { cutOffSlowClients } = await import("./server/slow-clients");
  cutOffSlowClients();
  const { prepareRequests } = await import("./server/requests");
  prepareRequests();
  if (process.env.METRICS_PORT) {
    const { serveMetrics } = await import("./server/metrics");
    serveMetrics(Number(process.env.METRICS_PORT), process.env.HOSTNAME ?? "127.0.0.1");
  }
}
