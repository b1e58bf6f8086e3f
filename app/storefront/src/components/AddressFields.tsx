"use client";
import type { Address } from "@/offline/checkout";
import { Field } from "./Field";

const COUNTRIES = [
  ["AT", "Austria"],
  ["CH", "Switzerland"],
  ["DE", "Germany"],
  ["FR", "France"],
  ["GB", "United Kingdom"],
  ["NL", "Netherlands"],
  ["US", "United States"],
] as const;

type Part = Exclude<keyof Address, "country">;

/** In rows, as an envelope has them; with what browsers fill them in by, and how much the shop takes. */
const ROWS: readonly (readonly { name: Part; label: string; autoComplete: string; maxLength: number }[])[] = [
  [{ name: "name", label: "Name", autoComplete: "name", maxLength: 200 }],
  [{ name: "street", label: "Street and number", autoComplete: "street-address", maxLength: 200 }],
  [
    { name: "postcode", label: "Postcode", autoComplete: "postal-code", maxLength: 20 },
    { name: "city", label: "City", autoComplete: "address-level2", maxLength: 100 },
  ],
];

interface Props {
  address: Address;
  onChange: (part: Partial<Address>) => void;
}

export function AddressFields({ address, onChange }: Props) {
  return (
    <>
      {ROWS.map((row) => (
        <div key={row[0]?.name} className={row.length > 1 ? "field-row" : "field-alone"}>
          {row.map((field) => (
            <Field
              key={field.name}
              {...field}
              value={address[field.name]}
              onChange={(event) => onChange({ [field.name]: event.target.value })}
            />
          ))}
        </div>
      ))}
      <CountryField value={address.country} onChange={(country) => onChange({ country })} />
    </>
  );
}

interface CountryProps {
  /** Its id as well. */
  name?: string;
  value: string;
  onChange: (country: string) => void;
}

export function CountryField({ name = "country", value, onChange }: CountryProps) {
  return (
    <div className="field">
      <label htmlFor={name}>Country</label>
      <select
        id={name}
        name={name}
        autoComplete="country"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      >
        {COUNTRIES.map(([code, label]) => (
          <option key={code} value={code}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
