"use client";
import { useEffect, useState } from "react";
import { probe } from "@/offline/connection";
import { currentVisitor, storedVisitor, type Visitor } from "@/shop/session";

/** Who is signed in: at once what this browser remembers, then what the shop says. `null`: nobody. */
export function useVisitor(): Visitor | null | undefined {
  const [visitor, setVisitor] = useState<Visitor | null>();
  useEffect(() => {
    let wanted = true;
    const show = (found: Visitor | null | undefined) => {
      if (wanted && found !== undefined) setVisitor(found);
    };
    storedVisitor().then(show, () => undefined);
    currentVisitor().then(
      (found) => show(found ?? null),
      async () => {
        void probe();
        show((await storedVisitor()) ?? null);
      },
    );
    return () => {
      wanted = false;
    };
  }, []);
  return visitor;
}
