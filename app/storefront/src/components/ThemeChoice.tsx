"use client";
import { useEffect, useState } from "react";

const THEMES = [
  ["", "As the device"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

export function ThemeChoice() {
  const [theme, setTheme] = useState("");
  useEffect(() => setTheme(document.documentElement.dataset.theme ?? ""), []);

  function choose(next: string) {
    setTheme(next);
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
