import { expect, test, vi } from "vitest";

const MEMBER = { id: 7, name: "Ada", email: "ada@shop.example", tier: "free" };
const ENDPOINT = "/api/users/7/preferences";

/** What asks the shop for something of a member's, and what is kept of the response. */
const ASKED = {
  addresses: async () => (await import("@/shop/account")).fetchAddresses(MEMBER),
  preferences: async () => (await import("@/offline/fields")).fetchFields(ENDPOINT),
};

/** A member is here, asks, and is or isn't here any more when the shop responds. Returns the keys of what is kept. */
async function keptOf(asked: keyof typeof ASKED, afterwards: "stays" | "signs out") {
  const { database } = await import("@/offline/database");
  const db = await database(async (opened) => opened);
  await db.put("userData", MEMBER, "session");
  vi.stubGlobal("fetch", async () => {
    if (afterwards === "signs out") await db.clear("userData");
    return new Response(JSON.stringify({ items: [{ id: 1 }], newsletter: true }));
  });
  await ASKED[asked]();
  return (await db.getAllKeys("userData")).filter((key) => key !== "session");
}

test.each(Object.keys(ASKED) as (keyof typeof ASKED)[])("%s are kept while their member is here", async (asked) => {
  expect(await keptOf(asked, "stays")).toHaveLength(1);
});

test.each(Object.keys(ASKED) as (keyof typeof ASKED)[])("%s that come after signing out aren't kept", async (asked) => {
  expect(await keptOf(asked, "signs out")).toEqual([]);
});
