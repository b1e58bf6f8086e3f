"use client";
import NextLink from "next/link";
import type { ComponentProps } from "react";
import { inCountry } from "@/shop/country";
import { savesData } from "@/shop/save-data";
import { LinkUnderway } from "./Underway";
import { useCountry } from "./useCountry";

interface Props extends ComponentProps<typeof NextLink> {
  href: string;
}

/** A link within the shop, to the page for the country that is chosen here. */
export function Link({ href, prefetch = null, children, ...rest }: Props) {
  return (
    <NextLink href={inCountry(href, useCountry())} prefetch={savesData() ? false : prefetch} {...rest}>
      {children}
      <LinkUnderway />
    </NextLink>
  );
}
