"use client";
import { useSyncExternalStore } from "react";
import { connection, onConnection } from "./connection";

export const useOnline = (): boolean =>
  useSyncExternalStore(
    onConnection,
    () => connection() === "online",
    () => true,
  );
