/**
 * The page's side of the service worker: register it, notice a new one, switch when the visitor says so.
 *
 * The browser itself never reuses a stored copy of the script (`updateViaCache: "none"`), and looks for a new one at
 * each visit and when a page comes to the front again.
 */
import { countryHere } from "@/shop/country";
import { showLeaving } from "@/shop/leaving";
import { savesData } from "@/shop/save-data";

const SCRIPT = "/sw.js";
const LOOK_AGAIN_MS = 60 * 60_000;

export function watchWorker(onUpdate: () => void): () => void {
  if (!("serviceWorker" in navigator)) return () => undefined;
  // Whoever saves data hasn't asked for 490 KB of shop to take along. A worker that is there already stays.
  if (savesData() && !navigator.serviceWorker.controller) return () => undefined;
  let registration: ServiceWorkerRegistration | undefined;
  let lookedAt = Date.now();
  const look = () => {
    if (document.visibilityState !== "visible" || Date.now() - lookedAt < LOOK_AGAIN_MS) return;
    lookedAt = Date.now();
    void registration?.update().catch(() => undefined); // offline: next time
  };
  document.addEventListener("visibilitychange", look);

  void navigator.serviceWorker.register(SCRIPT, { updateViaCache: "none" }).then(
    (registered) => {
      registration = registered;
      if (registered.waiting && navigator.serviceWorker.controller) onUpdate();
      registered.addEventListener("updatefound", () => {
        const worker = registered.installing;
        worker?.addEventListener("statechange", () => {
          // Without a controller it is the first one: nothing to replace, so nothing to ask.
          if (worker.state === "installed" && navigator.serviceWorker.controller) onUpdate();
        });
      });
      if (savesData()) return;
      return navigator.serviceWorker.ready.then((ready) =>
        ready.active?.postMessage({ type: "SYNC_CATALOGUE", country: countryHere() }),
      );
    },
    (error: unknown) => console.error("the shop can't be made to work offline", error),
  );
  return () => document.removeEventListener("visibilitychange", look);
}

/** Hand over to the worker that waits, and load the page anew once. */
export async function applyUpdate(): Promise<void> {
  showLeaving();
  const waiting = (await navigator.serviceWorker.getRegistration())?.waiting;
  if (!waiting) {
    location.reload();
    return;
  }
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  waiting.postMessage({ type: "SKIP_WAITING" });
}
