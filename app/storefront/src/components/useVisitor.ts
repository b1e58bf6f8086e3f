"use client";
import { useEffect, useState } from "react";
import { probe } from "@/offline/connection";
import { currentVisitor, storedVisitor, type Visitor } from "@/offline/visitor";

/** Who is signed in, as the shop says; while it can't be reached, as this browser remembers. `null`: nobody. */
export function useVisitor(): Visitor | null | undefined {
  const [visitor, setVisitor] = useState<Visitor | null>();
  useEffect(() => {
    let wanted = true;
    const show = (found: Visitor | undefined) => {
      if (wanted) setVisitor(found ?? null);
    };
    currentVisitor().then(show, async () => {
      void probe();
      show(await storedVisitor().catch(() => undefined));
    });
    return () => {
      wanted = false;
    };
  }, []);
  return visitor;
}
