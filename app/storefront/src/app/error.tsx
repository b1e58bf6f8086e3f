"use client";
import { useEffect, useTransition } from "react";
import { Underway } from "@/components/Underway";
import { isMissingPart, loadAnew } from "@/shop/parts";

export default function ErrorPage({ error, retry }: { error: Error; retry: () => void }) {
  const [trying, start] = useTransition();
  useEffect(() => {
    if (isMissingPart(error)) loadAnew(location.pathname);
  }, [error]);
  return (
    <div className="empty">
      <p className="eyebrow">500</p>
      <h1>That didn’t work.</h1>
      <p className="soft prose">Something went wrong on our side. Your cart is safe. Please try again in a moment.</p>
      <button type="button" className="button" disabled={trying} onClick={() => start(retry)}>
        Try again
        {trying ? <Underway /> : null}
      </button>
    </div>
  );
}
