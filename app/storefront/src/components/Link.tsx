"use client";
import NextLink from "next/link";
import { type ComponentProps, useState } from "react";
import { inCountry } from "@/shop/country";
import { savesData } from "@/shop/save-data";
import { LinkUnderway } from "./Underway";
import { useCountry } from "./useCountry";

interface Props extends Omit<ComponentProps<typeof NextLink>, "prefetch"> {
  href: string;
}

/** Pages that are the same for everybody. */
const PUBLIC = /^\/(?:products|categories|[?#]|$)/;

/** A link within the shop, to the page for the country that is chosen here: fetched once a pointer is on the link. */
export function Link({ href, children, ...rest }: Props) {
  const [meant, setMeant] = useState(false);
  return (
    <NextLink
      href={inCountry(href, useCountry())}
      prefetch={meant && PUBLIC.test(href) && !savesData()}
      onPointerEnter={() => setMeant(true)}
      {...rest}
    >
      {children}
      <LinkUnderway />
    </NextLink>
  );
}
