"use client";
import type { Address } from "@/offline/checkout";
import type { KeptAddress } from "@/shop/account";

export const same = (one: Address, other: Address): boolean =>
  (["name", "street", "postcode", "city", "country"] as const).every((part) => one[part].trim() === other[part].trim());

interface Props {
  addresses: KeptAddress[];
  chosen: Address;
  onChoose: (address: Address) => void;
}

/** The addresses that the customer keeps: one tap fills in the fields. */
export function SavedAddresses({ addresses, chosen, onChoose }: Props) {
  return (
    <div role="radiogroup" aria-label="Your addresses" className="choices">
      {addresses.map(({ id, address }) => (
        <label key={id} className="check">
          <input
            type="radio"
            name="saved-address"
            checked={same(address, chosen)}
            onChange={() => onChoose({ ...address })}
          />
          {address.name}, {address.street}, {address.postcode} {address.city}
        </label>
      ))}
    </div>
  );
}
