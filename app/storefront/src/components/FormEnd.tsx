"use client";
import type { ReactNode } from "react";
import { useOnline } from "@/offline/use-online";
import { useReady } from "./useReady";

interface Props {
  busy: boolean;
  problem: string;
  /** What the button does, and what it says meanwhile. */
  children: ReactNode;
  meanwhile: string;
  quiet?: boolean;
}

/** The end of a form that needs the network: what went wrong, and the button. */
export function FormEnd({ busy, problem, children, meanwhile, quiet = false }: Props) {
  const online = useOnline();
  const ready = useReady();
  return (
    <>
      {problem ? (
        <p className="notice danger" role="alert">
          {problem}
        </p>
      ) : null}
      <button type="submit" className={quiet ? "button quiet" : "button"} disabled={busy || !online || !ready}>
        {online ? (busy ? meanwhile : children) : "Go online to continue"}
      </button>
    </>
  );
}
