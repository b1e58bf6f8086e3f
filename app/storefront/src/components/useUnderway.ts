"use client";
import { useState } from "react";

/** Whether what was tapped is still going on, and how to begin it. Not a transition: the next page would wait for its end. */
export function useUnderway(): [boolean, (go: () => Promise<unknown>) => void] {
  const [underway, setUnderway] = useState(false);
  const start = (go: () => Promise<unknown>) => {
    setUnderway(true);
    void go().finally(() => setUnderway(false));
  };
  return [underway, start];
}
