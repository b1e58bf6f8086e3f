/** What these modules need of a browser, without one: a fresh IndexedDB for each test, and a lock that is always free. */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, vi } from "vitest";

beforeEach(() => {
  vi.resetModules(); // each test opens its own database
  globalThis.indexedDB = new IDBFactory();
  vi.stubGlobal("navigator", { locks: { request: (_name: string, run: () => unknown) => run() } });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
