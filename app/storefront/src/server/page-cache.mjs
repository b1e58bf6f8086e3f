/**
 * Next's own cache for pages and fetched data, in memory only: the root file system is read-only, and a restarted
 * process doesn't know what was revoked, so it must not find what the one before it kept.
 *
 * A page leaves with its policy; one that isn't there is made for whoever asks and kept for nobody, or any address that
 * somebody makes up would push a real page out.
 *
 * Not `isrFlushToDisk: false`, which would keep compressed pictures off the disk too: each would be made for every request.
 */
import builtIn from "next/dist/server/lib/incremental-cache/file-system-cache.js";
import { ofPage } from "./content-security.mjs";

const FileSystemCache = builtIn.default ?? builtIn;

/** What is kept under a key, as Next has it. @typedef {{ kind: string, html?: unknown, status?: number, headers?: Record<string, unknown> }} Page */

/** @param {unknown} value */
function secure(value) {
  // While the shop is built, the style sheets that a policy names aren't whole.
  if (process.env.NEXT_PHASE === "phase-production-build") return;
  const page = /** @type {Page | null | undefined} */ (value);
  if (page?.kind !== "APP_PAGE" || typeof page.html !== "string" || page.headers?.[POLICY]) return;
  page.headers = { ...page.headers, [POLICY]: ofPage(page.html) };
}

const POLICY = "content-security-policy";

export default class PageCache extends FileSystemCache {
  /** @param {ConstructorParameters<typeof FileSystemCache>[0]} context */
  constructor(context) {
    super({ ...context, flushToDisk: false });
  }

  /** @override @param {Parameters<InstanceType<typeof FileSystemCache>["get"]>} asked */
  async get(...asked) {
    const entry = await super.get(...asked);
    secure(entry?.value);
    return entry;
  }

  /** @override @param {Parameters<InstanceType<typeof FileSystemCache>["set"]>} given */
  async set(...given) {
    const [key, value] = given;
    secure(value);
    const { kind, status } = /** @type {Page} */ (value ?? { kind: "" });
    if (kind === "APP_PAGE" && status !== undefined && status >= 400) {
      /** @type {{ memoryCache?: { remove(key: string): void } }} */ (
        /** @type {unknown} */ (FileSystemCache)
      ).memoryCache?.remove(key);
      return;
    }
    await super.set(...given);
  }
}
