/** What customers do with their account: get one, keep its password, sign out everywhere, keep addresses. */
import type { Address } from "@/offline/checkout";
import { database } from "@/offline/database";
import { keepOf, type Visitor, whoIsHere } from "@/offline/visitor";
import { request } from "./browser-api";
import { enter, leave } from "./session";

type Json = Record<string, unknown>;

export interface KeptAddress {
  id: number;
  address: Address;
}

export async function askForAccount(account: {
  email: string;
  password: string;
  name: string;
  country: string;
}): Promise<void> {
  await request("POST", "/api/sign-ups", account);
}

/** Make the account that a mail's token stands for, and be signed in. */
export const confirmAccount = (token: string, password: string): Promise<Visitor> =>
  enter(() => request("POST", "/api/users", { token, password }));

export async function askForReset(email: string): Promise<void> {
  await request("POST", "/api/password-resets", { email });
}

/** Set a new password by a mail's token. Whoever is signed in here isn't any more. */
export async function resetPassword(token: string, password: string): Promise<void> {
  const ask = () => request("PUT", "/api/password", { token, new_password: password });
  // A guest's cart stays.
  await ((await whoIsHere()) ? leave(ask) : ask());
}

export async function changePassword(visitor: Visitor, present: string, next: string): Promise<void> {
  await request("PUT", `/api/users/${visitor.id}/password`, { current_password: present, new_password: next });
}

export const signOutEverywhere = (visitor: Visitor): Promise<void> =>
  leave(() => request("DELETE", `/api/users/${visitor.id}/sessions`));

/** The addresses that this browser last knew of the customer. */
export const storedAddresses = async (): Promise<KeptAddress[]> =>
  ((await database((db) => db.get("userData", "addresses"))) as KeptAddress[] | undefined) ?? [];

export async function fetchAddresses(visitor: Visitor): Promise<KeptAddress[]> {
  const { items } = await request("GET", `/api/users/${visitor.id}/addresses`);
  const found = (Array.isArray(items) ? items : []) as KeptAddress[];
  await keepOf(visitor.id, { addresses: found });
  return found;
}

export async function keepAddress(visitor: Visitor, address: Address): Promise<Json> {
  return request("POST", `/api/users/${visitor.id}/addresses`, address);
}

export async function deleteAddress(visitor: Visitor, { id }: KeptAddress): Promise<void> {
  await request("DELETE", `/api/users/${visitor.id}/addresses/${id}`);
}
