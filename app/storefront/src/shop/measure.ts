/**
 * Real-user measurements (Core Web Vitals, page loads, use offline), sent to the API in batches. Without a network they
 * wait in the browser's database, and go with the next batch.
 */
import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import { connection, onConnection } from "@/offline/connection";
import { commit, database, type Measurement } from "@/offline/database";
import { onEnding } from "@/offline/queue";

const ENDPOINT = "/api/rum";
const LARGEST_BATCH = 50;
/** Stored measurements beyond this are of no use to anybody: the oldest go. */
const MOST_STORED = 500;

let batch: Measurement[] = [];

/** The kind of page, not its address: which products somebody looked at is nobody's business. */
function pageKind(path: string): string {
  const [first = "", second] = path.split("/").filter(Boolean);
  if (first === "products" && second) return "product";
  if (first === "categories" && second) return "category";
  return first || "home";
}

function record(name: string, value: number): void {
  batch.push({ name, value, page: pageKind(location.pathname), timestamp: Date.now() });
}

/** In the tab's own storage: the first page of its visit, and then that there was another. */
const VISIT = "visit";
const CONTINUED = "continued";

/** The visitor sees this page. A visit is what one tab shows until it is closed; it bounces if that is one page only. */
export function seen(path: string): void {
  try {
    const first = sessionStorage.getItem(VISIT);
    if (first === null) {
      sessionStorage.setItem(VISIT, path);
      record("visit", 1);
    } else if (first !== CONTINUED && first !== path) {
      sessionStorage.setItem(VISIT, CONTINUED);
      record("visit_continued", 1);
    }
  } catch {
    // A browser that keeps nothing for a tab: its visits aren't counted.
  }
}

/** The function, of whose calls only the first does something. */
function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}

export function measure(): () => void {
  for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB])
    on((metric) => record(metric.name.toLowerCase(), metric.value));
  // This runs when React has taken the page over: from now on it answers the visitor.
  record("tti", performance.now());
  // The load event is mostly still to come; its end is known at the latest when the visitor looks away.
  const load = once(() => {
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    if (navigation?.loadEventEnd) record("load", navigation.loadEventEnd);
  });
  // A first visit has no worker yet when its page appears: what counts is whether one is active before the visitor
  // looks away.
  let active = Boolean(navigator.serviceWorker?.controller);
  const worker = once(() => record("worker", active ? 1 : 0));
  void navigator.serviceWorker?.ready.then(() => {
    active = true;
    worker();
  });
  const hidden = () => {
    if (document.visibilityState !== "hidden") return;
    load();
    worker();
    void flush();
  };
  document.addEventListener("visibilitychange", hidden);
  const stopEndings = onEnding((ending) => record(`sync_${ending}`, 1));
  const stopConnection = onConnection(() => {
    if (connection() === "online") void flush();
  });
  return () => {
    document.removeEventListener("visibilitychange", hidden);
    stopEndings();
    stopConnection();
  };
}

/** Hand over what has been measured: by beacon, which outlives the page, or to the database for later. */
async function flush(): Promise<void> {
  const measured = batch;
  batch = [];
  if (connection() === "offline" || !beacon(measured)) {
    await keep(measured);
    return;
  }
  const oldest = () => database((db) => db.getAll("analytics", undefined, LARGEST_BATCH));
  for (let stored = await oldest(); stored.length; stored = await oldest()) {
    if (!beacon(stored)) return;
    await database((db) => {
      const tx = db.transaction("analytics", "readwrite");
      for (const { id } of stored) if (id !== undefined) void tx.store.delete(id);
      return commit(tx);
    });
  }
}

function beacon(measurements: Measurement[]): boolean {
  if (!measurements.length) return true;
  const events = measurements.map(({ name, value, page, timestamp }) => ({ name, value, page, timestamp }));
  return navigator.sendBeacon(ENDPOINT, new Blob([JSON.stringify({ events })], { type: "application/json" }));
}

async function keep(measurements: Measurement[]): Promise<void> {
  // First of all, since the page may be frozen before the database says anything.
  await database((db) => {
    const tx = db.transaction("analytics", "readwrite");
    for (const measurement of measurements) void tx.store.add(measurement);
    return commit(tx);
  });
  await database(async (db) => {
    const tx = db.transaction("analytics", "readwrite");
    let surplus = (await tx.store.count()) - MOST_STORED;
    for (let cursor = await tx.store.openCursor(); cursor && surplus > 0; cursor = await cursor.continue()) {
      await cursor.delete();
      surplus -= 1;
    }
    await tx.done;
  });
}
