"use client";
/** The browser's database, as React sees it. */
import { useCallback, useEffect, useState } from "react";
import { listen, type Message } from "./messages";
import { whoIsHere } from "./visitor";

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
