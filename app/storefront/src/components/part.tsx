"use client";
import dynamic from "next/dynamic";
import type { ComponentType } from "react";
import { isThere, loadAnew } from "@/shop/parts";
import { Underway } from "./Underway";

/**
 * A part of a page that is fetched when it is needed. Where its file is gone, since there has been a new release, the page is
 * loaded anew, once; where that doesn't help, the part says so and the page stays.
 */
export const part = <Props extends object>(name: string, load: () => Promise<ComponentType<Props>>) =>
  dynamic<Props>(
    () =>
      load().then(
        (loaded) => {
          isThere(name);
          return loaded;
        },
        () => {
          loadAnew(name);
          return Missing;
        },
      ),
    { ssr: false, loading: Underway },
  );

function Missing() {
  return (
    <p className="notice warn" role="alert">
      This part of the page couldn’t be loaded. Please try again later.
    </p>
  );
}
