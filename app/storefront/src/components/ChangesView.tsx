"use client";
import type { FormEvent } from "react";
import type { Change, ChangeStatus } from "@/offline/database";
import { conflictsOf, settle } from "@/offline/fields";
import { discardChange, queuedChanges, retryChange, wake } from "@/offline/queue";
import type { Fields } from "@/offline/merge";
import { useStored } from "@/offline/use";
import { useOnline } from "@/offline/use-online";
import { takeShopsCart } from "@/shop/session";
import { labelOf, wordsFor } from "./field-labels";
import { useUnderway } from "./useUnderway";

const LABELS: Record<ChangeStatus, [label: string, kind: string]> = {
  pending: ["Waiting", ""],
  failed: ["Refused", "danger"],
  conflict: ["Changed elsewhere", "warn"],
};

export function ChangesView() {
  const changes = useStored(queuedChanges, "queue", "signed-out");
  const online = useOnline();
  if (!changes) return <div key="skeleton" className="skeleton low" aria-hidden="true" />;
  if (!changes.length) {
    return (
      <p className="notice good" role="status">
        Everything has been sent.
      </p>
    );
  }
  const pending = changes.filter((change) => change.status === "pending").length;
  return (
    <>
      {pending ? (
        <p className="send-now">
          <button type="button" className="button small" disabled={!online} onClick={() => wake()}>
            {online ? `Send ${pending} now` : `${pending} waiting for a connection`}
          </button>
        </p>
      ) : null}
      <ol role="list" className="changes">
        {changes.map((change) => (
          <Row key={change.id} change={change} />
        ))}
      </ol>
    </>
  );
}

function Row({ change }: { change: Change }) {
  const [busy, start] = useUnderway();
  const [label, kind] = LABELS[change.status];
  const id = change.id as number;

  /** The shop's version wins: forget the change, and show what the shop holds. */
  async function takeTheirs() {
    await discardChange(id);
    if (change.endpoint === "/api/cart") await takeShopsCart();
  }

  return (
    <li className={change.theirs ? "card" : "card change"}>
      <div>
        <p>
          <strong>{change.summary}</strong> <span className={`tag ${kind}`}>{label}</span>
        </p>
        <p className="small soft">
          {new Date(change.timestamp).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}
          {change.problem ? ` · ${change.problem}` : ""}
        </p>
      </div>
      {change.status === "conflict" && change.theirs ? (
        <Choice change={change} />
      ) : change.status === "pending" ? null : (
        <div className="change-actions">
          <button type="button" className="button small" disabled={busy} onClick={() => start(() => retryChange(id))}>
            {change.status === "conflict" ? "Keep mine" : "Try again"}
          </button>
          <button type="button" className="button quiet small" disabled={busy} onClick={() => start(takeTheirs)}>
            {change.status === "conflict" ? "Use the shop’s" : "Discard"}
          </button>
        </div>
      )}
    </li>
  );
}

/** Both values of each field that was changed here and elsewhere; the customer chooses. */
function Choice({ change }: { change: Change }) {
  const names = conflictsOf(change);
  const both = [
    ["mine", "Yours", change.data as Fields],
    ["theirs", "Saved elsewhere", change.theirs ?? {}],
  ] as const;

  function choose(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const chosen = names.map((name) => {
      const side = both.find(([key]) => key === form.get(name));
      return [name, side?.[2][name] ?? false];
    });
    void settle(change.id as number, Object.fromEntries(chosen) as Fields);
  }

  return (
    <form className="form" onSubmit={choose}>
      {names.map((name) => (
        <fieldset key={name} className="choices">
          <legend className="small">{labelOf(name)}</legend>
          {both.map(([key, label, values]) => (
            <label key={key} className="check">
              <input type="radio" name={name} value={key} required />
              {label}: {wordsFor(values[name])}
            </label>
          ))}
        </fieldset>
      ))}
      <button type="submit" className="button small">
        Use my choices
      </button>
    </form>
  );
}
