"use client";
import { useCallback, useEffect, useState } from "react";
import { changeFields, fetchFields, shownFields } from "@/offline/fields";
import type { Fields } from "@/offline/merge";
import { useStored } from "@/offline/use";

/** A thing of several fields, as the customer has left it, and how to change it; undefined until it is known. `names`: constant. */
export function useFields(
  endpoint: string,
  summary: string,
  names?: string[],
): [Fields | undefined, (changes: Fields) => Promise<void>] {
  const read = useCallback(() => shownFields(endpoint), [endpoint]);
  const fields = useStored(read, "queue", "signed-out");
  useEffect(() => {
    fetchFields(endpoint, names).catch(() => undefined); // offline: what is kept is shown
  }, [endpoint, names]);
  /** What was changed since they were read: shown at once, although it is yet to be stored. */
  const [edited, setEdited] = useState<{ since: Fields | undefined; changes: Fields }>();
  const changes = edited?.since === fields ? edited?.changes : undefined;
  const change = (more: Fields) => {
    setEdited({ since: fields, changes: { ...changes, ...more } });
    return changeFields(endpoint, more, summary, names);
  };
  return [fields && { ...fields, ...changes }, change];
}
