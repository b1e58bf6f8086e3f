"use client";
/** The browser's database and the connection, as React sees them. */
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { connection, onConnection } from "./connection";
import { listen, type Message } from "./messages";
import { whoIsHere } from "./visitor";

export const useOnline = (): boolean =>
  useSyncExternalStore(
    onConnection,
    () => connection() === "online",
    () => true,
  );

/** What `read` gives, read again whenever a message of one of `types` goes round; undefined until first read. */
export function useStored<Value>(read: () => Promise<Value>, ...types: Message["type"][]): Value | undefined {
  const [value, setValue] = useState<Value>();
  const wanted = types.join();
  const refresh = useCallback(() => {
    // What a member has left is shown to nobody else.
    whoIsHere()
      .then(read)
      .then(setValue, (error: unknown) => console.error("the browser's database can't be read", error));
  }, [read]);
  useEffect(() => {
    refresh();
    return listen((message) => {
      if (wanted.split(",").includes(message.type)) refresh();
    });
  }, [refresh, wanted]);
  return value;
}
