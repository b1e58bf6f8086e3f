"use client";
import type { Visitor } from "@/offline/visitor";
import { WISHES } from "./field-labels";
import { useFields } from "./useFields";

/** What the customer wishes; changed offline too, and sent when there is a network. */
export function Preferences({ visitor }: { visitor: Visitor }) {
  const [values = {}, change] = useFields(`/api/users/${visitor.id}/preferences`, "Your preferences");
  return (
    <section aria-labelledby="preferences">
      <h2 id="preferences">Your preferences</h2>
      {WISHES.map(([name, label]) => (
        <label key={name} className="check">
          <input
            type="checkbox"
            checked={values[name] === true}
            onChange={(event) => void change({ [name]: event.target.checked })}
          />
          {label}
        </label>
      ))}
    </section>
  );
}
