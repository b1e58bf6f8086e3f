"use client";
import dynamic from "next/dynamic";
import { useEffect, useState } from "react";

/** The status bar and all that runs behind a page; fetched when the page itself has loaded and has nothing else to do. */
const Companion = dynamic(
  // A page without it still is the page.
  () =>
    import("./Companion").then(
      (module) => module.Companion,
      () => () => null,
    ),
  { ssr: false },
);

/** A page that never rests, such as one that plays something, isn't waited for any longer. */
const LONGEST_WAIT_MS = 5_000;

export function Background() {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const start = () => whenIdle(() => setReady(true));
    if (document.readyState === "complete") start();
    else addEventListener("load", start, { once: true });
    return () => removeEventListener("load", start);
  }, []);
  return ready ? <Companion /> : null;
}

/** Safari has no idle callbacks. */
function whenIdle(start: () => void): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(start, { timeout: LONGEST_WAIT_MS });
  else setTimeout(start, LONGEST_WAIT_MS / 5);
}
