"use client";
import dynamic from "next/dynamic";
import { useEffect, useState } from "react";

/** The status bar and all that runs behind a page; fetched after the page itself has loaded. */
const Companion = dynamic(() => import("./Companion").then((module) => module.Companion), { ssr: false });

export function Background() {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const start = () => setReady(true);
    if (document.readyState === "complete") start();
    else addEventListener("load", start, { once: true });
    return () => removeEventListener("load", start);
  }, []);
  return ready ? <Companion /> : null;
}
