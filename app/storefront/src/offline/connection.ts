/**
 * Whether the shop can be reached: "online" means that the API answered a HEAD request a moment ago. What the browser says of
 * its network (`navigator.onLine`) is only a reason to ask: there may be one and no shop, or none and a shop on this machine.
 */
export type Connection = "online" | "offline";

const HEALTH = "/health";
const TIMEOUT_MS = 4_000;
/** How often to ask while it can't be reached. */
const RETRY_MS = 5_000;

let state: Connection = "online";
let timer: ReturnType<typeof setTimeout> | undefined;
let probing: Promise<Connection> | undefined;
const listeners = new Set<() => void>();

export const connection = (): Connection => state;

export function onConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(next: Connection): void {
  clearTimeout(timer);
  if (next === "offline") timer = setTimeout(() => void probe(), RETRY_MS);
  if (next === state) return;
  state = next;
  for (const listener of listeners) listener();
}

/** Ask now; also after any request that failed. */
export function probe(): Promise<Connection> {
  probing ??= ask().then((next) => {
    probing = undefined;
    set(next);
    return next;
  });
  return probing;
}

async function ask(): Promise<Connection> {
  try {
    const response = await fetch(HEALTH, {
      method: "HEAD",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return response.ok ? "online" : "offline";
  } catch {
    return "offline";
  }
}

export function watchConnection(): () => void {
  const visible = () => {
    if (document.visibilityState === "visible") void probe();
  };
  const changed = () => void probe();
  addEventListener("online", changed);
  addEventListener("offline", changed);
  document.addEventListener("visibilitychange", visible);
  void probe();
  return () => {
    clearTimeout(timer);
    removeEventListener("online", changed);
    removeEventListener("offline", changed);
    document.removeEventListener("visibilitychange", visible);
  };
}
