"use client";
import { useLinkStatus } from "next/link";

/** A sign of life for as long as it stands within what was tapped: that dims, and a line runs along the top (chrome.css). */
export const Underway = () => <span className="underway" role="progressbar" aria-label="On its way" />;

/** Within a link: the router's next page isn't there yet. */
export function LinkUnderway() {
  return useLinkStatus().pending ? <Underway /> : null;
}
