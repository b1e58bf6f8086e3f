"use client";
import { useRouter } from "next/navigation";
import { type KeyboardEvent, useEffect, useId, useRef, useState, useTransition } from "react";
import { COUNTRY, inCountry } from "@/shop/country";
import { onSearching } from "@/shop/searching";
import { SearchIcon } from "./icons";
import { Underway } from "./Underway";
import { useCountry } from "./useCountry";

const PAUSE_MS = 150;
const SHORTEST = 2;

/** Fetched with the first letters: most pages are left without a search. */
const suggestionsFor = async (words: string): Promise<string[]> => (await import("@/shop/search")).suggest(words);

/** The search field with suggestions: a combobox as ARIA describes it. */
export function SearchBox() {
  const router = useRouter();
  const country = useCountry();
  const list = useId();
  const [query, setQuery] = useState("");
  const [suggestions, setSuggestions] = useState<string[]>([]);
  const [active, setActive] = useState(-1);
  const [open, setOpen] = useState(false);
  const [underway, start] = useTransition();
  const latest = useRef("");

  useEffect(() => {
    const wanted = query.trim();
    latest.current = wanted;
    if (!open || wanted.length < SHORTEST) return;
    const timer = setTimeout(() => {
      suggestionsFor(wanted).then(
        (found) => {
          if (latest.current === wanted) setSuggestions(found);
        },
        () => setSuggestions([]),
      );
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query, open]);

  useEffect(() => onSearching(setQuery), []);

  function search(words: string) {
    setOpen(false);
    setActive(-1);
    setQuery(words);
    if (!words.trim()) return;
    start(() => router.push(inCountry(`/search?q=${encodeURIComponent(words.trim())}`, country)));
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    const last = suggestions.length - 1;
    if (event.key === "Escape") setOpen(false);
    if (last < 0 || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    setOpen(true);
    const step = event.key === "ArrowDown" ? 1 : -1;
    setActive((current) => (current + step > last ? -1 : current + step < -1 ? last : current + step));
  }

  const shown = open && suggestions.length > 0 && query.trim().length >= SHORTEST;
  return (
    <form
      className="search"
      action="/search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        search(suggestions[active] ?? query);
      }}
      onBlur={() => setOpen(false)}
    >
      <SearchIcon />
      {underway ? <Underway /> : null}
      {country ? <input type="hidden" name={COUNTRY} value={country} /> : null}
      <input
        type="search"
        name="q"
        maxLength={200}
        value={query}
        placeholder="Search the shop"
        aria-label="Search the shop"
        autoComplete="off"
        enterKeyHint="search"
        role="combobox"
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        {...(shown && active >= 0 ? { "aria-activedescendant": `${list}-${active}` } : {})}
        onChange={(event) => {
          setQuery(event.target.value);
          setActive(-1);
          setOpen(true);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={list} className="suggestions" role="listbox" aria-label="Suggestions" hidden={!shown}>
        {suggestions.map((suggestion, index) => (
          // Options are chosen with the arrow keys from the field, which keeps the focus.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={suggestion}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => search(suggestion)}
          >
            {suggestion}
          </li>
        ))}
      </ul>
    </form>
  );
}
