import { beforeEach, expect, test, vi } from "vitest";
import { merge } from "@/offline/merge";

test.each([
  ["only here", { a: 1 }, { a: 2 }, { a: 1 }, { a: 2 }, []],
  ["only elsewhere", { a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }, []],
  ["one field each", { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 2 }, { a: 2, b: 2 }, []],
  ["both alike", { a: 1 }, { a: 2 }, { a: 2 }, { a: 2 }, []],
  ["both, to different values", { a: "x", b: 1 }, { a: "y", b: 2 }, { a: "z", b: 1 }, { a: "z", b: 2 }, ["a"]],
  ["what nobody here knew stays", {}, { a: true }, { a: false, b: true }, { a: true, b: true }, []],
  ["what was removed elsewhere stays away", { a: true, b: true }, { a: true, b: false }, {}, { b: false }, []],
  ["a field that isn't there is off", {}, { a: false }, {}, {}, []],
])("%s", (_case, base, mine, theirs, fields, conflicts) => {
  expect(merge(base, mine, theirs)).toEqual({ fields, conflicts });
});

/** What the shop holds, and what it was sent. */
let held: Record<string, unknown>;
let version: number;
let bodies: unknown[];
const ENDPOINT = "/api/users/1/preferences";
const tag = () => `"${version}.0-identity"`;

beforeEach(async () => {
  const { remember } = await import("@/offline/visitor");
  await remember({ id: 1, name: "Ada", email: "ada@shop.example", tier: "free" });
  [held, version, bodies] = [{ newsletter: true, recommendations: true }, 1, []];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    if (url === "/api/session") return new Response(JSON.stringify({ user: { id: 1 } }));
    const given = new Headers(init.headers).get("if-match");
    if (init.method === "PUT") {
      if (given !== tag()) return new Response("{}", { status: 412 });
      held = JSON.parse(String(init.body));
      version += 1;
      bodies.push(held);
    }
    return new Response(JSON.stringify({ preferences: held }), { headers: { etag: tag() } });
  });
});

const modules = async () => ({ ...(await import("@/offline/fields")), ...(await import("@/offline/queue")) });

test("changes of different fields, here and elsewhere, are both kept", async () => {
  const { fetchFields, changeFields, shownFields, replay, queuedChanges } = await modules();
  await fetchFields(ENDPOINT);
  [held, version] = [{ newsletter: true, recommendations: false }, 2];
  await changeFields(ENDPOINT, { newsletter: false }, "Your preferences");
  expect(await shownFields(ENDPOINT)).toEqual({ newsletter: false, recommendations: true });
  expect(await replay()).toEqual({ done: true });
  expect(held).toEqual({ newsletter: false, recommendations: false });
  expect(await queuedChanges()).toEqual([]);
  expect(await shownFields(ENDPOINT)).toEqual(held);
});

test("a second change, made before the first was sent, loses nothing of what the first was merged with", async () => {
  const { fetchFields, changeFields, replay } = await modules();
  await fetchFields(ENDPOINT);
  [held, version] = [{ newsletter: true, recommendations: true, order_updates: true }, 2];
  await changeFields(ENDPOINT, { newsletter: false }, "Your preferences");
  await changeFields(ENDPOINT, { recommendations: false }, "Your preferences");
  expect(await replay()).toEqual({ done: true });
  expect(held).toEqual({ newsletter: false, recommendations: false, order_updates: true });
});

test("what was never read here isn't replaced unseen", async () => {
  const { changeFields, replay } = await modules();
  await changeFields(ENDPOINT, { order_updates: true }, "Your preferences");
  expect(await replay()).toEqual({ done: true });
  expect(held).toEqual({ newsletter: true, recommendations: true, order_updates: true });
  expect(bodies).toHaveLength(1);
});

test("the same field, changed to different values: nothing is sent until the customer has chosen", async () => {
  const { fetchFields, changeFields, conflictsOf, settle, replay, queuedChanges } = await modules();
  held = { name: "Ada", country: "DE" };
  await fetchFields(ENDPOINT);
  [held, version] = [{ name: "Grace", country: "GB" }, 2];
  await changeFields(ENDPOINT, { name: "Edith" }, "Your details");
  expect(await replay()).toEqual({ done: true });
  const [change] = await queuedChanges();
  expect(change?.status).toBe("conflict");
  expect(change && conflictsOf(change)).toEqual(["name"]);
  expect(held).toEqual({ name: "Grace", country: "GB" });
  await settle(change?.id ?? 0, { name: "Edith" });
  await replay();
  expect(held).toEqual({ name: "Edith", country: "GB" });
  expect(await queuedChanges()).toEqual([]);
});
