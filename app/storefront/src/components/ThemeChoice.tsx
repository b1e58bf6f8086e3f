"use client";
import { useState, useSyncExternalStore } from "react";

const THEMES = [
  ["", "Same as device"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

/** Only this component changes it. */
const unchanging = () => () => undefined;
const themeOfThePage = () => document.documentElement.dataset.theme ?? "";
const noTheme = () => "";

export function ThemeChoice() {
  const kept = useSyncExternalStore(unchanging, themeOfThePage, noTheme);
  const [chosen, setChosen] = useState<string>();
  const theme = chosen ?? kept;

  function choose(next: string) {
    setChosen(next);
    if (next) {
      document.documentElement.dataset.theme = next;
      localStorage.setItem("theme", next);
    } else {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("theme");
    }
  }

  return (
    <div className="field">
      <label htmlFor="theme">Appearance</label>
      <select id="theme" value={theme} onChange={(event) => choose(event.target.value)}>
        {THEMES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
