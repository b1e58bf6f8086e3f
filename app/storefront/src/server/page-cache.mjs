/**
 * Next's own cache for pages and fetched data, in memory only: the root file system is read-only, and a restarted
 * process doesn't know what was revoked, so it must not find what the one before it kept.
 *
 * Not `isrFlushToDisk: false`, which would keep compressed pictures off the disk too: each would be made for every request.
 */
import builtIn from "next/dist/server/lib/incremental-cache/file-system-cache.js";

const FileSystemCache = builtIn.default ?? builtIn;

export default class PageCache extends FileSystemCache {
  /** @param {ConstructorParameters<typeof FileSystemCache>[0]} context */
  constructor(context) {
    super({ ...context, flushToDisk: false });
  }
}
