/**
 * Gradual roll-out of a new service worker. `/worker.json` says which share of the browsers may take it; each browser
 * has drawn a number from 0 to 99 once and for all. One that isn't chosen keeps the worker it has.
 */
import { database } from "./database";

const BUCKETS = 100;

export interface Rollout {
  percent: number;
}

/** Throws, which ends the installation, if this browser isn't to have the new worker yet. */
export async function refuseUnlessChosen(replacing: boolean): Promise<void> {
  if (!replacing) return; // without one there is nothing to keep, and offline use is for everybody
  const response = await fetch("/worker.json", { cache: "no-store" });
  if (!response.ok) throw new Error(`the roll-out can't be read: ${response.status}`);
  const { percent } = (await response.json()) as Rollout;
  const mine = await bucket();
  if (mine >= percent) throw new Error(`not chosen yet: ${mine} of ${percent} %`);
}

async function bucket(): Promise<number> {
  const drawn = await database((db) => db.get("meta", "rolloutBucket"));
  if (typeof drawn === "number") return drawn;
  const fresh = Math.floor(Math.random() * BUCKETS);
  await database((db) => db.put("meta", fresh, "rolloutBucket"));
  return fresh;
}
