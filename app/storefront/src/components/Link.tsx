"use client";
import NextLink from "next/link";
import type { ComponentProps } from "react";
import { inCountry } from "@/shop/country";
import { useCountry } from "./useCountry";

interface Props extends ComponentProps<typeof NextLink> {
  href: string;
}

/** A link within the shop, to the page for the country that is chosen here. */
export function Link({ href, ...rest }: Props) {
  return <NextLink href={inCountry(href, useCountry())} {...rest} />;
}
