import { rm } from "node:fs/promises";
import path from "node:path";

/**
 * Which tags were thrown away is known to the process only, but the data that it fetched lies on the pod's disk, which
 * outlives a restarted container. A new process therefore begins without: else it would serve what was revoked.
 */
export async function forgetFetchedData(): Promise<void> {
  await rm(path.join(process.cwd(), ".next", "cache", "fetch-cache"), { recursive: true, force: true });
}
