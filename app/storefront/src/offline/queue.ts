/**
 * The sync engine: sends queued writes in order, one at a time, each exactly once as far as the shop is concerned.
 *
 * Runs in every tab and in the worker; a Web Lock lets one of them at a time. A write leaves the queue when the
 * server has confirmed it, so one whose answer was lost is sent again, under the same Idempotency-Key.
 *
 * | answer | then |
 * |---|---|
 * | 2xx | done, next |
 * | 412 to what has several fields | what the shop holds is asked for; the changes of both are merged and sent, or `conflict` |
 * | any other 412; 409 to a PUT | `conflict`: shown, the customer decides; next |
 * | 408, 425, 429, 5xx, none | wait and try the same one again, nothing overtakes it |
 * | any other | `failed`: kept and shown; next |
 */
import { versionIn } from "@/shop/browser-api";
import { type Change, commit, type Database, database, newChange } from "./database";
import { type Fields, merge } from "./merge";
import { announce } from "./messages";
import { makingRoom } from "./room";

const LOCK = "simone-webshop-sync";
/** Background Sync's name for "send the queue when there is a network again". */
export const SYNC_TAG = "simone-webshop-queue";
const TIMEOUT_MS = 10_000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 30_000;
const RETRIED = new Set([408, 425, 429]);
const CHANGED_MEANWHILE = 412;
const CONFLICT = 409;
/** How often in a row a change is merged with what others keep changing, before it waits. */
const MOST_MERGES = 3;
/** Any version: the shop told none. */
const ANY = "*";

/** What became of a round: everything sent, or stopped at a write that has to wait (milliseconds). */
export type Outcome = { done: true } | { done: false; waitMs: number };

type Ending = "delivered" | "failed";
const endings = new Set<(ending: Ending) => void>();

/** Hear of each write that this tab brought to an end. */
export function onEnding(listener: (ending: Ending) => void): () => void {
  endings.add(listener);
  return () => endings.delete(listener);
}

let timer: ReturnType<typeof setTimeout> | undefined;
let running: Promise<Outcome> | undefined;
let again = false;

/** Queue a write and send it as soon as possible. */
export async function enqueue(
  method: Change["method"],
  endpoint: string,
  data: unknown,
  summary: string,
): Promise<void> {
  const change = newChange(method, endpoint, data, summary);
  await makingRoom(() =>
    database((db) => {
      const tx = db.transaction("syncQueue", "readwrite");
      void tx.store.add(change);
      return commit(tx);
    }),
  );
  announce({ type: "queue" });
  wake();
}

/** Where it is kept in `userData` which version of a thing the shop holds, and its fields. */
export const keptVersion = (endpoint: string): string => `version:${endpoint}`;
export const keptFields = (endpoint: string): string => `fields:${endpoint}`;

/** The fields in an answer; `names`: those that count, undefined: all. */
export function fieldsIn(json: unknown, names?: string[]): Fields {
  const answer = (json ?? {}) as Fields;
  const all = (answer.preferences ?? answer) as Fields;
  return names ? Object.fromEntries(names.map((name) => [name, all[name]])) : all;
}

export const queuedChanges = (): Promise<Change[]> => database((db) => db.getAll("syncQueue"));

/** Send what is queued, now; and later by itself if that doesn't succeed, also with the page closed where possible. */
export function wake(): void {
  clearTimeout(timer);
  // WebKit takes the lock from a page that it freezes; a database that doesn't answer may do so later.
  const later: Outcome = { done: false, waitMs: LONGEST_WAIT_MS };
  void replay()
    .catch(() => later)
    .then(async (outcome) => {
      if (outcome.done) return;
      timer = setTimeout(wake, outcome.waitMs);
      await askForBackgroundSync();
    });
}

/** Work through the queue until it is empty or has to wait. Calls that overlap share one run. */
export function replay(): Promise<Outcome> {
  if (running) {
    again = true;
    return running;
  }
  const run = underLock().finally(() => {
    running = undefined;
  });
  running = run;
  return run;
}

const underLock = async (): Promise<Outcome> =>
  navigator.locks.request(LOCK, async (): Promise<Outcome> => {
    let outcome: Outcome;
    do {
      again = false;
      outcome = await drain();
    } while (again && outcome.done);
    return outcome;
  });

async function drain(): Promise<Outcome> {
  let ours = false;
  for (;;) {
    const next = await database((db) => db.getFromIndex("syncQueue", "status", "pending"));
    if (!next) return { done: true };
    // Once for each round: the cart of whoever's session runs out must not end up with whoever signs in next.
    const session: Whose = ours ? "owners" : await whoseSession();
    if (session === "others") return { done: false, waitMs: LONGEST_WAIT_MS };
    ours = session === "owners";
    const verdict = session === "owners" ? await send(next) : session;
    if (verdict.kind === "wait") {
      await note({ ...next, attempts: next.attempts + 1, problem: verdict.problem });
      announce({ type: "queue" });
      const backOff = Math.min(FIRST_WAIT_MS * 2 ** next.attempts, LONGEST_WAIT_MS);
      return { done: false, waitMs: verdict.waitMs ?? backOff * (0.5 + Math.random() / 2) };
    }
    if (verdict.kind === "merged") {
      // Another body, so another key.
      const { base, data, match } = verdict;
      const merged = { ...next, base, data, match, key: crypto.randomUUID(), attempts: next.attempts + 1 };
      await note(merged);
      announce({ type: "queue" });
      if (next.attempts < MOST_MERGES) continue;
      return { done: false, waitMs: LONGEST_WAIT_MS };
    }
    if (verdict.kind === "done") {
      const { version } = verdict;
      await database((db) => delivered(db, next, version));
    } else {
      const { kind, ...told } = verdict;
      await note({ ...next, ...told, status: kind });
    }
    for (const listener of endings) listener(verdict.kind === "done" ? "delivered" : "failed");
    announce({ type: "queue" });
  }
}

/** Note what became of a change that was sent; not of one that was removed meanwhile, with all else of a member's. */
const note = (change: Change): Promise<void> =>
  database(async (db) => {
    const tx = db.transaction("syncQueue", "readwrite");
    if (await tx.store.get(change.id as number)) void tx.store.put(change);
    await commit(tx);
  });

/**
 * Whose session the shop takes what is sent now for: the member's who queued it, or not; a guest's queue is whoever's who is
 * here. While the shop doesn't say, the write waits: sent without knowing, it would be the next one's.
 */
async function whoseSession(): Promise<Whose> {
  const owner = (await database((db) => db.get("userData", "session"))) as { id?: unknown } | undefined;
  if (!owner) return "owners";
  try {
    const response = await fetch("/api/session", { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) return busy(response);
    const { user } = (await response.json()) as { user?: { id?: unknown } | null };
    return user?.id === owner.id ? "owners" : "others";
  } catch {
    return { kind: "wait", problem: UNREACHED };
  }
}

/** A change that was made after this one, of the same thing, replaces what this one has just made. */
async function delivered(db: Database, change: Change, version: string | null): Promise<void> {
  const tx = db.transaction(["syncQueue", "userData"], "readwrite");
  const queue = tx.objectStore("syncQueue");
  // Where it is gone, so is whoever queued it: they have signed out.
  const still = await queue.get(change.id as number);
  void queue.delete(change.id as number);
  if (still && change.base) {
    const base = change.data as Fields;
    const kept = tx.objectStore("userData");
    void kept.put(base, keptFields(change.endpoint));
    // Without its version the next change asks first what the shop holds.
    if (version) void kept.put(version, keptVersion(change.endpoint));
    else void kept.delete(keptVersion(change.endpoint));
    for (const each of await queue.index("status").getAll("pending")) {
      if (each.endpoint !== change.endpoint || !each.base) continue;
      const { match: _match, ...later } = each;
      const { fields, conflicts } = merge(each.base, each.data as Fields, base);
      const held = version ? { match: version } : {};
      if (conflicts.length) void queue.put({ ...later, ...held, theirs: base, status: "conflict", problem: BOTH });
      else void queue.put({ ...later, ...held, base, data: fields });
    }
  }
  await commit(tx);
}

const BOTH = "This has been changed elsewhere too.";
const UNREACHED = "There is no connection to the shop.";

type Waiting = { kind: "wait"; problem: string; waitMs?: number };

/** Whose a session is, compared with what waits to be sent; or that nobody can say. */
type Whose = "owners" | "others" | Waiting;

type SendResult =
  | { kind: "done"; version: string | null }
  | Waiting
  | { kind: "merged"; base: Fields; data: Fields; match: string }
  | { kind: "conflict"; problem: string; theirs: Fields; match: string }
  | { kind: "failed" | "conflict"; problem: string };

/** Merge a change with what the shop holds meanwhile. */
async function reconcile(change: Change, base: Fields): Promise<SendResult> {
  const mine = change.data as Fields;
  let response: Response;
  let theirs: Fields;
  try {
    response = await fetch(change.endpoint, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status >= 500 || RETRIED.has(response.status)) return busy(response);
    if (!response.ok) return { kind: "failed", problem: await explanation(response) };
    theirs = fieldsIn(await response.json(), change.names);
  } catch {
    return { kind: "wait", problem: UNREACHED };
  }
  const match = versionIn(response) ?? ANY;
  const { fields, conflicts } = merge(base, mine, theirs);
  return conflicts.length
    ? { kind: "conflict", problem: BOTH, theirs, match }
    : { kind: "merged", base: theirs, data: fields, match };
}

function busy(response: Response): Waiting {
  const after = Number(response.headers.get("retry-after"));
  const problem = `The shop is busy (${response.status}).`;
  return after > 0
    ? { kind: "wait", problem, waitMs: Math.min(after * 1000, LONGEST_WAIT_MS) }
    : { kind: "wait", problem };
}

async function send(change: Change): Promise<SendResult> {
  // What nobody here has read yet isn't replaced unseen.
  if (change.base && !change.match) return reconcile(change, change.base);
  let response: Response;
  try {
    response = await fetch(change.endpoint, {
      method: change.method,
      headers: {
        "content-type": "application/json",
        "idempotency-key": change.key,
        ...(change.match ? { "if-match": change.match } : {}),
      },
      body: JSON.stringify(change.data),
      credentials: "same-origin",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    return { kind: "wait", problem: UNREACHED };
  }
  if (response.ok) return { kind: "done", version: versionIn(response) };
  if (response.status === CHANGED_MEANWHILE && change.base) return reconcile(change, change.base);
  if (response.status === CHANGED_MEANWHILE || (response.status === CONFLICT && change.method === "PUT"))
    return { kind: "conflict", problem: await explanation(response) };
  if (response.status >= 500 || RETRIED.has(response.status)) return busy(response);
  return { kind: "failed", problem: await explanation(response) };
}

/** The `detail` of a problem document (RFC 9457), else the status. */
async function explanation(response: Response): Promise<string> {
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    if (typeof detail === "string" && detail) return detail;
  } catch {
    // Not JSON: the status says enough.
  }
  return `The shop answered ${response.status}.`;
}

/** Try a refused or conflicting change again: over what the server holds, under a new key. */
export async function retryChange(id: number): Promise<void> {
  await database(async (db) => {
    const tx = db.transaction("syncQueue", "readwrite");
    const change = await tx.store.get(id);
    if (change) {
      const { problem: _problem, ...rest } = change;
      void tx.store.put({ ...rest, status: "pending", attempts: 0, key: crypto.randomUUID() });
    }
    await commit(tx);
  });
  announce({ type: "queue" });
  wake();
}

export async function discardChange(id: number): Promise<void> {
  await database((db) => db.delete("syncQueue", id));
  announce({ type: "queue" });
}

interface SyncManager {
  register(tag: string): Promise<void>;
}

/** Chromium sends the queue from the worker even when the shop is closed; elsewhere the next visit does. */
async function askForBackgroundSync(): Promise<void> {
  const registration =
    "registration" in globalThis
      ? (globalThis as unknown as { registration: ServiceWorkerRegistration }).registration
      : await navigator.serviceWorker?.getRegistration();
  const sync = (registration as unknown as { sync?: SyncManager } | undefined)?.sync;
  await sync?.register(SYNC_TAG).catch(() => undefined); // refused by the user's settings: timers remain
}
