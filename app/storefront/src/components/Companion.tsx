"use client";
import { usePathname } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { watchConnection } from "@/offline/connection";
import { database } from "@/offline/database";
import { announce, listen } from "@/offline/messages";
import { queuedChanges, wake } from "@/offline/queue";
import { useStored } from "@/offline/use";
import { useOnline } from "@/offline/use-online";
import { askAgain, isStillHere } from "@/offline/visitor";
import { applyUpdate, watchWorker } from "@/offline/worker-client";
import { measure, seen } from "@/shop/measure";
import { Link } from "./Link";

/** What runs behind every page, and the bar at the bottom that tells of it when there is something to tell. */
export function Companion() {
  const online = useOnline();
  const changes = useStored(queuedChanges, "queue", "signed-out") ?? [];
  const [update, setUpdate] = useState(false);
  const [evicted, setEvicted] = useState(false);

  useEffect(() => {
    // Opened once up front: a failure here is the private mode of an old browser, where everything else still works.
    database(async () => undefined).catch((error: unknown) =>
      console.error("no database in this browser: the shop needs a network", error),
    );
    const stops = [
      watchConnection(),
      watchWorker(() => setUpdate(true)),
      measure(),
      listen((message) => {
        if (message.type === "evicted") setEvicted(true);
        // In another tab, but what this one shows is private too.
        if (message.type === "signed-out") location.assign("/");
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, []);

  // Whoever looks at the page now may be somebody else than before.
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") void askAgain();
    };
    // A page that the browser kept as it was left shows what was there then, and perhaps whose it was.
    const back = async ({ persisted }: PageTransitionEvent) => {
      if (!persisted) return;
      if (!(await isStillHere())) return location.reload();
      announce({ type: "cart" });
      announce({ type: "queue" });
      await askAgain();
      wake();
    };
    const shown = (event: PageTransitionEvent) => void back(event);
    document.addEventListener("visibilitychange", look);
    addEventListener("pageshow", shown);
    return () => {
      document.removeEventListener("visibilitychange", look);
      removeEventListener("pageshow", shown);
    };
  }, []);

  const path = usePathname();
  const asked = useRef({ path, online });
  useEffect(() => {
    const before = asked.current;
    asked.current = { path, online };
    if (online && (path !== before.path || !before.online)) void askAgain();
  }, [path, online]);
  useEffect(() => seen(path), [path]);

  useEffect(() => {
    if (online) wake();
  }, [online]);

  const pending = changes.filter((change) => change.status === "pending").length;
  const troubled = changes.length - pending;
  return (
    <div className="status-bar" role="status" aria-label="State of the shop">
      {online ? null : (
        <p data-testid="offline">
          <span className="status-dot" aria-hidden="true" />
          <span>You’re offline. You can still browse and fill your cart.</span>
          {pending ? <Link href="/changes">{pending} unsent</Link> : null}
        </p>
      )}
      {online && pending ? (
        <p data-testid="syncing">
          Sending {pending} {pending === 1 ? "change" : "changes"}…
        </p>
      ) : null}
      {troubled ? (
        <p data-testid="troubled">
          <span>
            {troubled} {troubled === 1 ? "change needs" : "changes need"} your attention.
          </span>
          <Link href="/changes">Review</Link>
        </p>
      ) : null}
      {evicted ? (
        <p data-testid="evicted">
          <span>To save space, items you haven’t looked at lately were removed from this device.</span>
          <button type="button" className="button" onClick={() => setEvicted(false)}>
            OK
          </button>
        </p>
      ) : null}
      {update ? (
        <p data-testid="update">
          <span>A new version of the shop is ready.</span>
          <button type="button" className="button" onClick={() => void applyUpdate()}>
            Update now
          </button>
        </p>
      ) : null}
    </div>
  );
}
