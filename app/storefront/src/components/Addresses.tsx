"use client";
import { useState } from "react";
import { type Address, newDraft } from "@/offline/checkout";
import type { Visitor } from "@/offline/visitor";
import { deleteAddress, keepAddress, type KeptAddress } from "@/shop/account";
import { AddressFields } from "./AddressFields";
import { FormEnd } from "./FormEnd";
import { Underway } from "./Underway";
import { useAddresses } from "./useAddresses";
import { useForm } from "./useForm";
import { useUnderway } from "./useUnderway";

/** The customer's addresses: added here, chosen at the checkout. */
export function Addresses({ visitor }: { visitor: Visitor }) {
  const [addresses, again] = useAddresses(visitor);
  const [adding, setAdding] = useState<Address>();
  const [problem, setProblem] = useState("");
  const [deleting, start] = useUnderway();
  const form = useForm(async () => {
    if (!adding) return;
    await keepAddress(visitor, adding);
    setAdding(undefined);
    await again();
  });

  async function remove(kept: KeptAddress) {
    setProblem("");
    try {
      await deleteAddress(visitor, kept);
      await again();
    } catch {
      setProblem("We couldn’t delete that address just now. Please try again.");
    }
  }

  return (
    <section className="form" aria-labelledby="addresses">
      <h2 id="addresses">Your addresses</h2>
      {addresses.length ? (
        <ul role="list" className="addresses">
          {addresses.map((kept) => (
            <li key={kept.id} className="card">
              <p>
                {kept.address.name}
                <br />
                {kept.address.street}
                <br />
                {kept.address.postcode} {kept.address.city}, {kept.address.country}
              </p>
              <button
                type="button"
                className="link-button"
                disabled={deleting}
                onClick={() => start(() => remove(kept))}
              >
                Delete<span className="visually-hidden"> {kept.address.street}</span>
                {deleting ? <Underway /> : null}
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <p className="soft">No addresses yet. Save one here and you won’t have to type it at checkout.</p>
      )}
      {problem ? (
        <p className="notice danger" role="alert">
          {problem}
        </p>
      ) : null}
      {adding ? (
        <form className="form" method="post" onSubmit={form.submit}>
          <AddressFields address={adding} onChange={(part) => setAdding({ ...adding, ...part })} />
          <FormEnd busy={form.busy} problem={form.problem} meanwhile="Saving…" quiet>
            Save this address
          </FormEnd>
          <button type="button" className="link-button" onClick={() => setAdding(undefined)}>
            Cancel
          </button>
        </form>
      ) : (
        <button
          type="button"
          className="button quiet"
          onClick={() => setAdding({ ...newDraft().address, name: visitor.name })}
        >
          Add an address
        </button>
      )}
    </section>
  );
}
