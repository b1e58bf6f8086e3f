"use client";
import { useEffect, useState } from "react";
import { database } from "@/offline/database";
import { enqueue, noteVersion, queuedChanges } from "@/offline/queue";
import type { Visitor } from "@/offline/visitor";
import { requestVersion } from "@/shop/browser-api";

type Values = Record<string, unknown>;

const CHOICES = [
  ["newsletter", "Write to me once a month about what is new"],
  ["order_updates", "Send me an e-mail when an order is on its way"],
  ["recommendations", "Choose products for me by what I bought"],
] as const;

/** What the customer wishes; changed offline too, and sent when there is a network. */
export function Preferences({ visitor }: { visitor: Visitor }) {
  const [values, setValues] = useState<Values>({});
  const endpoint = `/api/users/${visitor.id}/preferences`;

  useEffect(() => {
    let wanted = true;
    const show = (found: unknown) => {
      if (wanted && found && typeof found === "object") setValues(found as Values);
    };
    (async () => {
      const db = await database();
      show(await db.get("userData", "preferences"));
      if ((await queuedChanges()).some((change) => change.endpoint === endpoint)) return; // what the customer chose is on its way
      const { json, version } = await requestVersion("GET", endpoint);
      await db.put("userData", json.preferences, "preferences");
      if (version) await noteVersion(endpoint, version);
      show(json.preferences);
    })().catch(() => undefined); // offline: what is kept is shown
    return () => {
      wanted = false;
    };
  }, [endpoint]);

  async function change(name: string, wanted: boolean) {
    const next = { ...values, [name]: wanted };
    setValues(next);
    await (await database()).put("userData", next, "preferences");
    await enqueue("PUT", endpoint, next, "Your preferences");
  }

  return (
    <section aria-labelledby="preferences">
      <h2 id="preferences">What you wish for</h2>
      {CHOICES.map(([name, label]) => (
        <label key={name} className="check">
          <input
            type="checkbox"
            checked={values[name] === true}
            onChange={(event) => change(name, event.target.checked)}
          />
          {label}
        </label>
      ))}
    </section>
  );
}
