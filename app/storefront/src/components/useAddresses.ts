"use client";
import { useCallback, useEffect, useState } from "react";
import type { Visitor } from "@/offline/visitor";
import { fetchAddresses, type KeptAddress, storedAddresses } from "@/shop/account";

/** The addresses that the customer keeps, at once as this browser knows them; and how to ask for them again. */
export function useAddresses(visitor: Visitor | null | undefined): [KeptAddress[], () => Promise<void>] {
  const [addresses, setAddresses] = useState<KeptAddress[]>([]);
  const again = useCallback(async () => {
    if (visitor) setAddresses(await fetchAddresses(visitor));
  }, [visitor]);
  useEffect(() => {
    if (!visitor) return;
    storedAddresses()
      .then(setAddresses)
      .then(again)
      .catch(() => undefined); // offline: what is kept is shown
  }, [visitor, again]);
  return [addresses, again];
}
