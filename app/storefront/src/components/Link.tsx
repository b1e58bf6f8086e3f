"use client";
import NextLink from "next/link";
import { type ComponentProps, useState } from "react";
import { inCountry } from "@/shop/country";
import { savesData } from "@/shop/save-data";
import { LinkUnderway } from "./Underway";
import { useCountry } from "./useCountry";

interface Props extends ComponentProps<typeof NextLink> {
  href: string;
}

/** Pages that are the same for everybody. */
const PUBLIC = /^\/(?:products|categories|[?#]|$)/;

/**
 * A link within the shop, to the page for the country that is chosen here. `prefetch={false}`: it isn't fetched for being in
 * view, but once a pointer is on it.
 */
export function Link({ href, prefetch = null, children, ...rest }: Props) {
  const [meant, setMeant] = useState(false);
  return (
    <NextLink
      href={inCountry(href, useCountry())}
      prefetch={savesData() ? false : meant && PUBLIC.test(href) ? null : prefetch}
      onPointerEnter={() => setMeant(true)}
      {...rest}
    >
      {children}
      <LinkUnderway />
    </NextLink>
  );
}
