/** What these modules need of a browser, without one: a fresh IndexedDB for each test, and a lock that is always free. */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, vi } from "vitest";

beforeEach(() => {
  vi.resetModules(); // each test opens its own database
  globalThis.indexedDB = new IDBFactory();
  // Stays when the test is over: a queue that it woke goes on in the background.
  const navigator = { locks: { request: (_name: string, run: () => unknown) => run() } };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  // Nobody has left.
  Object.defineProperty(globalThis, "localStorage", { value: { getItem: () => null }, configurable: true });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
