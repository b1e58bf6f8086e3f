"use client";
import { type FormEvent, useState } from "react";
import type { Visitor } from "@/offline/visitor";
import { CountryField } from "./AddressFields";
import { Field } from "./Field";
import { useFields } from "./useFields";
import { useReady } from "./useReady";

const NAMES = ["name", "country"];

/** Who the customer is; changed offline too, and sent when there is a network. */
export function Profile({ visitor }: { visitor: Visitor }) {
  const [fields, change] = useFields(`/api/users/${visitor.id}`, "Your details", NAMES);
  const [edited, setEdited] = useState<Record<string, string>>({});
  const [kept, setKept] = useState(false);
  const ready = useReady();
  const value = (name: string, otherwise: string) => edited[name] ?? String(fields?.[name] ?? otherwise);

  function edit(changes: Record<string, string>) {
    setKept(false);
    setEdited({ ...edited, ...changes });
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    await change(edited);
    setEdited({});
    setKept(true);
  }

  return (
    <form className="form" method="post" aria-labelledby="profile" onSubmit={(event) => void submit(event)}>
      <h2 id="profile">Your details</h2>
      <Field
        label="Name"
        name="own-name"
        autoComplete="name"
        value={value("name", visitor.name)}
        onChange={(event) => edit({ name: event.target.value })}
      />
      <CountryField name="own-country" value={value("country", "DE")} onChange={(country) => edit({ country })} />
      <button type="submit" className="button quiet" disabled={!ready || !Object.keys(edited).length}>
        Save these details
      </button>
      <p className="small soft line-kept" role="status">
        {kept ? "Your details are saved." : ""}
      </p>
    </form>
  );
}
