/** Things of several fields, such as a customer's preferences: shown as the customer has left them, sent when there is a network. */
import { versionIn } from "@/shop/browser-api";
import { type Change, commit, database, newChange } from "./database";
import { type Fields, merge } from "./merge";
import { announce } from "./messages";
import { fieldsIn, keptFields, keptVersion, queuedChanges, wake } from "./queue";
import { makingRoom } from "./room";
import { keepOf, storedVisitor } from "./visitor";

const TIMEOUT_MS = 10_000;

/** As the customer has left them here; else as the shop last said. */
export async function shownFields(endpoint: string): Promise<Fields> {
  const left = (await queuedChanges()).findLast((change) => change.endpoint === endpoint);
  return (
    ((left?.data ?? (await database((db) => db.get("userData", keptFields(endpoint))))) as Fields | undefined) ?? {}
  );
}

/** Ask the shop, unless the customer's own changes are on their way. `names`: those that count; undefined: all. */
export async function fetchFields(endpoint: string, names?: string[]): Promise<void> {
  const member = await storedVisitor();
  if (!member || (await queuedChanges()).some((change) => change.endpoint === endpoint)) return;
  const response = await fetch(endpoint, { cache: "no-cache", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) return;
  const fields = fieldsIn(await response.json(), names);
  const version = versionIn(response);
  const numbered = version ? { [keptVersion(endpoint)]: version } : {};
  await keepOf(member.id, { [keptFields(endpoint)]: fields, ...numbered });
  announce({ type: "queue" });
}

/** Change some of them. What the change is of is noted with it, so that nothing that others have changed is lost by it. */
export async function changeFields(
  endpoint: string,
  changes: Fields,
  summary: string,
  names?: string[],
): Promise<void> {
  await makingRoom(() =>
    database(async (db) => {
      const tx = db.transaction(["syncQueue", "userData"], "readwrite");
      const queue = tx.objectStore("syncQueue");
      const kept = tx.objectStore("userData");
      const before = (await queue.getAll()).findLast((change) => change.endpoint === endpoint);
      const base = ((before?.data ?? (await kept.get(keptFields(endpoint)))) as Fields | undefined) ?? {};
      const match = (await kept.get(keptVersion(endpoint))) as string | undefined;
      const change = {
        ...newChange("PUT", endpoint, { ...base, ...changes }, summary),
        base,
        ...(names ? { names } : {}),
      };
      void queue.add(match ? { ...change, match } : change);
      await commit(tx);
    }),
  );
  announce({ type: "queue" });
  wake();
}

/** The fields that were changed here and elsewhere. */
export const conflictsOf = ({ base = {}, data, theirs = {} }: Change): string[] =>
  merge(base, data as Fields, theirs).conflicts;

/** The customer has chosen a value for each of them. */
export async function settle(id: number, chosen: Fields): Promise<void> {
  await database(async (db) => {
    const tx = db.transaction("syncQueue", "readwrite");
    const change = await tx.store.get(id);
    if (change?.theirs) {
      const { problem: _problem, theirs, base = {}, ...rest } = change;
      const data = { ...merge(base, change.data as Fields, theirs).fields, ...chosen };
      void tx.store.put({ ...rest, data, base: theirs, status: "pending", attempts: 0, key: crypto.randomUUID() });
    }
    await commit(tx);
  });
  announce({ type: "queue" });
  wake();
}
