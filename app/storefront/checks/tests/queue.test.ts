import { beforeEach, expect, test, vi } from "vitest";

const sent: { url: string; key: string | undefined }[] = [];
let respond: () => Response;

beforeEach(() => {
  sent.length = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }); // a queue that waits doesn't wake in the next test
  vi.stubGlobal("fetch", async (url: string, init: { headers: Record<string, string> }) => {
    sent.push({ url, key: init.headers["idempotency-key"] });
    return respond();
  });
});

const problem = (status: number, detail = "", headers = {}) =>
  new Response(JSON.stringify({ detail }), { status, headers });

/** Queue one write and let the queue work until it is done or has to wait. */
async function send(method: "POST" | "PUT" = "POST") {
  const { enqueue, queuedChanges, replay } = await import("@/offline/queue");
  await enqueue(method, "/api/reviews", { stars: 5 }, "A review");
  const outcome = await replay();
  return { outcome, left: await queuedChanges() };
}

test("a confirmed write leaves the queue", async () => {
  respond = () => new Response("{}", { status: 201 });
  expect(await send()).toEqual({ outcome: { done: true }, left: [] });
  expect(sent).toHaveLength(1);
});

test.each([408, 425, 429, 500, 503])("%i: the same write waits, under the same key", async (status) => {
  respond = () => problem(status);
  const { outcome, left } = await send();
  expect(outcome.done).toBe(false);
  expect(left.map((change) => change.status)).toEqual(["pending"]);
  expect(new Set(sent.map(({ key }) => key))).toEqual(new Set([left[0]?.key]));
});

test("no response at all: the write waits", async () => {
  respond = () => {
    throw new TypeError("Failed to fetch");
  };
  const { outcome, left } = await send();
  expect(outcome.done).toBe(false);
  expect(left[0]?.problem).toBe("There is no connection to the shop.");
});

test.each([400, 403, 404, 422])("%i: kept as failed, with the shop's words", async (status) => {
  respond = () => problem(status, "Stars go from one to five.");
  const { outcome, left } = await send();
  expect(outcome).toEqual({ done: true });
  expect(left.map(({ status: kept, problem: why }) => [kept, why])).toEqual([["failed", "Stars go from one to five."]]);
});

test.each([
  ["PUT", 412, "conflict"],
  ["PUT", 409, "conflict"],
  ["POST", 409, "failed"],
] as const)("%s %i: %s", async (method, status, kept) => {
  respond = () => problem(status, "Somebody else changed it.");
  expect((await send(method)).left.map((change) => change.status)).toEqual([kept]);
});

test("Retry-After is waited for, but never longer than half a minute", async () => {
  respond = () => problem(503, "", { "retry-after": "7" });
  expect((await send()).outcome).toEqual({ done: false, waitMs: 7_000 });
  respond = () => problem(503, "", { "retry-after": "86400" });
  expect((await send()).outcome).toEqual({ done: false, waitMs: 30_000 });
});

test("another try of a refused write has a new key", async () => {
  respond = () => problem(422, "No.");
  const { left } = await send();
  const { queuedChanges, retryChange } = await import("@/offline/queue");
  respond = () => problem(422, "No.");
  await retryChange(left[0]?.id ?? 0);
  const [again] = await queuedChanges();
  expect(again?.key).not.toBe(left[0]?.key);
});

test("a change that is confirmed after signing out leaves nothing", async () => {
  const { database } = await import("@/offline/database");
  const db = await database(async (opened) => opened);
  let confirmed = false;
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    confirmed = init.method === "PUT";
    if (confirmed) await Promise.all([db.clear("syncQueue"), db.clear("userData")]);
    return new Response("{}", { headers: { etag: '"1"' } });
  });
  const { changeFields } = await import("@/offline/fields");
  const { replay } = await import("@/offline/queue");
  await changeFields("/api/users/7/preferences", { newsletter: true }, "Preferences");
  await replay();
  expect(confirmed).toBe(true);
  expect(await db.getAllKeys("userData")).toEqual([]);
});
