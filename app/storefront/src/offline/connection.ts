/**
 * Whether the shop can be reached. `navigator.onLine` only says that there is some network, so "online" means that the
 * API answered a HEAD request a moment ago.
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
  if (!navigator.onLine) return "offline";
  try {
    const response = await fetch(HEALTH, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? "online" : "offline";
  } catch {
    return "offline";
  }
}

export function watchConnection(): () => void {
  const visible = () => {
    if (document.visibilityState === "visible") void probe();
  };
  const offline = () => set("offline");
  const online = () => void probe();
  addEventListener("online", online);
  addEventListener("offline", offline);
  document.addEventListener("visibilitychange", visible);
  void probe();
  return () => {
    clearTimeout(timer);
    removeEventListener("online", online);
    removeEventListener("offline", offline);
    document.removeEventListener("visibilitychange", visible);
  };
}
