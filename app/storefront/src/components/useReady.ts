"use client";
import { useSyncExternalStore } from "react";

const never = () => () => undefined;

/** Whether the page's script works. A form that is sent before would be sent by the browser: what was filled in is lost. */
export const useReady = (): boolean =>
  useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
