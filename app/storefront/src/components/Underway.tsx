"use client";
import { usePathname, useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";

const LEAVING = "leaving";

/** Told by what leads on by the router's own means, without a link or a form. */
export const leaveFor = (address: string) => dispatchEvent(new CustomEvent(LEAVING, { detail: address }));

/** A sign of life at once: a line at the top from the click on a link, or the sending of a form, until the page is there. */
export function Underway() {
  const here = `${usePathname()}?${useSearchParams()}`;
  const [from, setFrom] = useState<string>();

  useEffect(() => {
    // Only what the router takes over: all else shows by itself, or leads nowhere.
    const leave = (to: URL) => {
      const stays = to.pathname + to.search === location.pathname + location.search;
      if (to.origin === location.origin && !stays) setFrom(here);
    };
    const start = (event: Event, to: URL) => {
      if (event.defaultPrevented) leave(to);
    };
    const clicked = (event: MouseEvent) => {
      const link = (event.target as Element).closest("a");
      if (link?.href) start(event, new URL(link.href));
    };
    const sent = (event: SubmitEvent) => {
      const form = event.target as HTMLFormElement;
      if (form.method === "get")
        start(event, new URL(`?${new URLSearchParams([...new FormData(form)] as [string, string][])}`, form.action));
    };
    const leaving = ({ detail }: CustomEventInit<string>) => leave(new URL(detail ?? "", location.href));
    addEventListener(LEAVING, leaving);
    addEventListener("click", clicked);
    addEventListener("submit", sent);
    return () => {
      removeEventListener(LEAVING, leaving);
      removeEventListener("click", clicked);
      removeEventListener("submit", sent);
    };
  }, [here]);

  return from === here ? (
    <div className="underway" role="progressbar" aria-label="The next page is on its way" />
  ) : null;
}
