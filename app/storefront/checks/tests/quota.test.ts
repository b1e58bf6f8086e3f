import { expect, test, vi } from "vitest";

/** Two caches, with pictures of 30 bytes in one and 12 in the other. */
const CACHES: Record<string, string[]> = {
  "images-v1": ["a".repeat(20), "b".repeat(10)],
  "pages-v1": ["c".repeat(12)],
};

async function usage(storage: unknown): Promise<number> {
  vi.stubGlobal("self", globalThis); // Workbox looks there
  Object.defineProperty(navigator, "storage", { value: storage, configurable: true });
  vi.stubGlobal("caches", {
    keys: async () => Object.keys(CACHES),
    open: async (name: string) => ({
      keys: async () => Object.keys(CACHES[name] ?? []),
      match: async (at: string) => new Response(CACHES[name]?.[Number(at)]),
    }),
  });
  return (await import("@/offline/quota")).usage();
}

test("how much is used is what the browser says", async () => {
  expect(await usage({ estimate: async () => ({ usage: 7 }) })).toBe(7);
});

test.each([undefined, {}])("a browser that doesn't say (%o): what the caches hold", async (storage) => {
  expect(await usage(storage)).toBe(42);
});
