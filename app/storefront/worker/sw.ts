/// <reference lib="webworker" />
/**
 * The service worker. Bundled by tools/build.mjs after `next build`, which fills in the list of files to precache.
 *
 * | request | strategy |
 * |---|---|
 * | the build's own files, the static pages | precached |
 * | pictures, fonts | cache first, a year, at most 1,000; a picture that isn't here in another width, or a drawing |
 * | pages | network first; then the kept copy; then a page made from the browser's database |
 * | public API (GET) | stale while revalidate, 300 s |
 * | all others: the private API, RSC data, the health probe | network only |
 */
import { CacheableResponsePlugin } from "workbox-cacheable-response";
import { clientsClaim, type WorkboxPlugin } from "workbox-core";
import { CacheExpiration, ExpirationPlugin } from "workbox-expiration";
import { addRoute, cleanupOutdatedCaches, matchPrecache, precache } from "workbox-precaching";
import { registerRoute } from "workbox-routing";
import { CacheFirst, NetworkFirst, StaleWhileRevalidate } from "workbox-strategies";
import { CACHES, isCurrent, isOurs } from "@/offline/caches";
import { syncCatalogue } from "@/offline/catalogue-sync";
import { replay, SYNC_TAG } from "@/offline/queue";
import { keepWithinQuota } from "@/offline/quota";
import { refuseUnlessChosen } from "@/offline/rollout";
import { instead } from "./pictures";
import { isPrivatePage, isPublicApi } from "./requests";

declare const self: ServiceWorkerGlobalScope;
/** Filled in by tools/build.mjs. */
declare const __PRECACHE__: { url: string; revision: string | null }[];

const YEAR_SECONDS = 31_536_000;
const API_SECONDS = 300;
const PAGES_SECONDS = 30 * 24 * 60 * 60;
const MOST_IMAGES = 1_000;
const MOST_PAGES = 100;
const MOST_ANSWERS = 200;
/** A page that takes longer than this comes from the copy, if there is one. */
const PATIENCE_SECONDS = 4;
/** Made from the browser's database, whatever address it is given for. */
const SHELL = "/offline";

const good = new CacheableResponsePlugin({ statuses: [200] });

/** The gateway's "502" and the API's "503" are as good as no answer: rather the copy. */
const onlyWorking: WorkboxPlugin = {
  fetchDidSucceed: async ({ response }) => {
    if (response.status >= 500) throw new Error(`the server answered ${response.status}`);
    return response;
  },
};

/** Pages may lie in the browser's own cache for a minute; a revalidating request sees what is true now. */
const askTheServer: WorkboxPlugin = {
  requestWillFetch: async ({ request }) =>
    request.mode === "navigate"
      ? new Request(request.url, {
          cache: "no-cache",
          headers: request.headers,
          credentials: "same-origin",
          redirect: "manual",
        })
      : request,
};

precache(__PRECACHE__);
cleanupOutdatedCaches();
clientsClaim();

const pictures = new CacheFirst({
  cacheName: CACHES.images,
  plugins: [
    onlyWorking,
    good,
    new ExpirationPlugin({ maxEntries: MOST_IMAGES, maxAgeSeconds: YEAR_SECONDS, purgeOnQuotaError: true }),
  ],
});

registerRoute(
  ({ request, sameOrigin, url }) =>
    sameOrigin && request.destination === "image" && !url.pathname.startsWith("/icons/"),
  async (options) => {
    try {
      return await pictures.handle(options);
    } catch {
      return instead(options.url);
    }
  },
);
registerRoute(({ request, sameOrigin }) => sameOrigin && request.destination === "font", pictures);

const pages = new NetworkFirst({
  cacheName: CACHES.pages,
  networkTimeoutSeconds: PATIENCE_SECONDS,
  plugins: [
    askTheServer,
    onlyWorking,
    good,
    new ExpirationPlugin({ maxEntries: MOST_PAGES, maxAgeSeconds: PAGES_SECONDS, purgeOnQuotaError: true }),
  ],
});
const unkept = new NetworkFirst({
  cacheName: CACHES.pages,
  networkTimeoutSeconds: PATIENCE_SECONDS,
  plugins: [askTheServer, onlyWorking, { cacheWillUpdate: async () => null }],
});

registerRoute(
  ({ request, sameOrigin }) => sameOrigin && request.mode === "navigate",
  async (options) => {
    const { url } = options;
    const shell = isPrivatePage(url) || url.pathname === "/search";
    try {
      return await (shell ? unkept : pages).handle(options);
    } catch (error) {
      const kept = shell ? await matchPrecache(url.pathname) : undefined;
      const page = kept ?? (await matchPrecache(SHELL));
      if (page) return page;
      throw error;
    }
  },
);

registerRoute(
  ({ sameOrigin, url }) => sameOrigin && isPublicApi(url),
  new StaleWhileRevalidate({
    cacheName: CACHES.api,
    plugins: [
      onlyWorking,
      good,
      new ExpirationPlugin({ maxEntries: MOST_ANSWERS, maxAgeSeconds: API_SECONDS, purgeOnQuotaError: true }),
    ],
  }),
  "GET",
);

// After the routes above: a navigation to a precached page asks the network first, the page's files come from here.
addRoute();

self.addEventListener("install", (event) => {
  event.waitUntil(refuseUnlessChosen(Boolean(self.registration.active)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((name) => isOurs(name) && !isCurrent(name)).map((name) => caches.delete(name))),
      ),
  );
});

/** Remove caches, and what Workbox keeps of them in a database of its own: each address, and when it was used. */
async function forget(names: string[]): Promise<void> {
  for (const name of names.filter(isOurs)) {
    await caches.delete(name);
    await new CacheExpiration(name, { maxEntries: 1 }).delete();
  }
}

self.addEventListener("message", (event) => {
  const { type, names, country } = (event.data ?? {}) as { type?: string; names?: string[]; country?: string };
  if (type === "FORGET") event.waitUntil(forget(names ?? []).finally(() => event.ports[0]?.postMessage("done")));
  if (type === "SKIP_WAITING") void self.skipWaiting();
  // Offline, or the shop is down: the next page that loads asks again.
  if (type === "SYNC_CATALOGUE")
    event.waitUntil(
      syncCatalogue(country)
        .catch(() => undefined)
        .then(() => keepWithinQuota()),
    );
});

interface SyncEvent extends ExtendableEvent {
  tag: string;
}

self.addEventListener("sync" as "message", (event) => {
  const { tag } = event as unknown as SyncEvent;
  if (tag !== SYNC_TAG) return;
  // Rejecting makes the browser try again later.
  event.waitUntil(
    replay().then((outcome) => {
      if (!outcome.done) throw new Error("the queue isn't empty yet");
    }),
  );
});
