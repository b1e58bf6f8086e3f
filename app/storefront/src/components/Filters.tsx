"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, type ReactNode, useTransition } from "react";
import type { Category } from "@/shop/catalogue";
import { addressOf, type Facets, FILTER_NAMES, type Filters as Chosen, type Wanted, wantedIn } from "@/shop/filters";
import { COUNTRY, inCountry } from "@/shop/country";
import { roundMoney } from "@/shop/money";
import { DEFAULT_SORT } from "@/shop/sorting";
import { Link } from "./Link";
import { Underway } from "./Underway";
import { useCountry } from "./useCountry";

interface Props {
  /** The listing's own address, without what it is narrowed down to. */
  path: string;
  wanted: Wanted;
  /** What was searched for. */
  words?: string;
  facets: Facets | undefined;
  /** Those to choose from; none on a category's own page. */
  categories?: Pick<Category, "id" | "name">[];
  currency: string;
}

/** A plain form: without its script the browser goes to the same address by itself. */
export function Filters(props: Props) {
  const { path, wanted, words = "", facets, currency, categories = [] } = props;
  const router = useRouter();
  const country = useCountry();
  const [underway, start] = useTransition();
  const { filters, sort } = wanted;
  const chosen = FILTER_NAMES.filter((name) => filters[name] !== undefined);

  function narrow(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]);
    start(() => router.push(inCountry(addressOf(path, wantedIn(new URLSearchParams(fields)), words), country)));
  }

  const price = (units: number) => roundMoney(units, currency);
  const categoryName = (id: number) => categories.find((category) => category.id === id)?.name ?? "Category";
  return (
    <div className="filters">
      <details>
        <summary>{chosen.length ? `Filters (${chosen.length})` : "Filters"}</summary>
        <form key={addressOf(path, wanted, words)} action={path} onSubmit={narrow}>
          {words ? <input type="hidden" name="q" value={words} /> : null}
          {country ? <input type="hidden" name={COUNTRY} value={country} /> : null}
          {sort === DEFAULT_SORT ? null : <input type="hidden" name="sort" value={sort} />}
          {categories.length ? (
            <Choice name="category" label="Category" any="All" chosen={filters.category} text={categoryName}>
              {facets?.categories}
            </Choice>
          ) : null}
          <Choice name="brand" label="Brand" any="All" chosen={filters.brand} text={String}>
            {facets?.brands}
          </Choice>
          <Choice name="price_from" label="From" any="Any price" chosen={filters.price_from} text={price}>
            {facets?.pricesFrom}
          </Choice>
          <Choice name="price_to" label="Under" any="Any price" chosen={filters.price_to} text={price}>
            {facets?.pricesTo}
          </Choice>
          <Choice name="rating" label="Rated" any="Any" chosen={filters.rating} text={(least) => `${least} and up`}>
            {facets?.ratings}
          </Choice>
          {facets?.inStock || filters.in_stock ? (
            <label className="check">
              <input type="checkbox" name="in_stock" value="true" defaultChecked={filters.in_stock ?? false} />
              In stock
            </label>
          ) : null}
          <button type="submit" className="button small">
            Show
            {underway ? <Underway /> : null}
          </button>
        </form>
      </details>
      {chosen.length ? (
        <ul role="list" aria-label="Active filters">
          {chosen.map((name) => (
            <li key={name}>
              <Link href={addressOf(path, { filters: without(filters, name), sort }, words)}>
                <span className="visually-hidden">Remove </span>
                {said(name, filters, price, categoryName)}
                <span aria-hidden="true"> ×</span>
              </Link>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

function said(
  name: keyof Chosen,
  filters: Chosen,
  price: (units: number) => string,
  categoryName: (id: number) => string,
): ReactNode {
  switch (name) {
    case "category":
      return categoryName(filters.category ?? 0);
    case "price_from":
      return `From ${price(filters.price_from ?? 0)}`;
    case "price_to":
      return `Under ${price(filters.price_to ?? 0)}`;
    case "rating":
      return `Rated ${filters.rating} and up`;
    case "in_stock":
      return "In stock";
    default:
      return filters.brand;
  }
}

function without(filters: Chosen, name: keyof Chosen): Chosen {
  const { [name]: _gone, ...rest } = filters;
  return rest;
}

interface ChoiceProps<Value> {
  name: keyof Chosen;
  label: string;
  /** Of leaving it open. */
  any: string;
  chosen: Value | undefined;
  text: (value: Value) => string;
  /** What leaves something; what is chosen can be chosen in any case. */
  children: Value[] | undefined;
}

function Choice<Value extends string | number>({ name, label, any, chosen, text, children = [] }: ChoiceProps<Value>) {
  const values = chosen === undefined || children.includes(chosen) ? children : [...children, chosen];
  return (
    <div className="field">
      <label htmlFor={`narrow-${name}`}>{label}</label>
      <select id={`narrow-${name}`} name={name} defaultValue={chosen ?? ""}>
        <option value="">{any}</option>
        {values.map((value) => (
          <option key={value} value={value}>
            {text(value)}
          </option>
        ))}
      </select>
    </div>
  );
}
