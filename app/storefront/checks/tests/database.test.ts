import { openDB } from "idb";
import { beforeEach, expect, test, vi } from "vitest";
import type { Database } from "@/offline/database";

let page: EventTarget;

beforeEach(() => {
  page = new EventTarget();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
});

const left = () => page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
const shown = () => page.dispatchEvent(new Event("pageshow"));

/** The next page's connection to the same database. */
async function next() {
  const { DATABASE, VERSION } = await import("@/offline/database");
  return openDB(DATABASE, VERSION);
}

const kept = async () => (await next()).getAllKeys("meta");

test("what is interrupted because the page was left is done when it is shown again, over what is there then", async () => {
  const { database } = await import("@/offline/database");
  await database((db) => db.put("meta", 1, "a"));
  let reads = 0;
  const change = database(async (db) => {
    const tx = db.transaction("meta", "readwrite");
    const before = tx.store.getAllKeys();
    reads += 1;
    if (reads === 1) left();
    const name = `after ${(await before).join()}`;
    void tx.store.put(1, name);
    await tx.done;
  });
  await (await next()).put("meta", 1, "b");
  expect(await kept()).toEqual(["a", "b"]);
  shown();
  await change;
  expect(await kept()).toEqual(["a", "after a,b", "b"]);
});

test("what is committed is finished without the page", async () => {
  const { commit, database } = await import("@/offline/database");
  void database((db) => {
    const tx = db.transaction("meta", "readwrite");
    void tx.store.put(1, "a");
    return commit(tx);
  });
  await vi.waitFor(async () => expect((await indexedDB.databases()).length).toBe(1));
  left();
  await vi.waitFor(async () => expect(await kept()).toEqual(["a"]));
});

test("nothing is begun while the page isn't shown", async () => {
  const { database } = await import("@/offline/database");
  await database(async () => undefined);
  left();
  const work = vi.fn(async (db: Database) => db.count("meta"));
  const counted = database(work);
  await (await next()).put("meta", 1, "a");
  expect(work).not.toHaveBeenCalled();
  shown();
  expect(await counted).toBe(1);
});

test("a connection that the browser has closed is opened anew", async () => {
  const { database } = await import("@/offline/database");
  await database(async (db) => db.close());
  expect(await database((db) => db.count("meta"))).toBe(0);
});

test("a database that another page holds is waited for no longer than twenty seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { database } = await import("@/offline/database");
  await database(async () => undefined);
  const held = (await next()).transaction("meta", "readwrite");
  let holding = true;
  const hold = async () => {
    while (holding) await held.store.count();
  };
  const holder = hold();
  const write = database((db) => db.put("meta", 1, "a")).catch(String);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await write).toMatch("another page has held the browser's database simone-webshop for 20 s");
  holding = false;
  await holder;
  await database((db) => db.put("meta", 1, "b"));
  expect(await kept()).toEqual(["b"]);
});
