"use client";
import { useEffect } from "react";
import { isMissingPart, loadAnew } from "@/shop/parts";

export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  useEffect(() => {
    if (isMissingPart(error)) loadAnew(location.pathname);
  }, [error]);
  return (
    <div className="empty">
      <p className="eyebrow">500</p>
      <h1>That didn’t work.</h1>
      <p className="soft prose">Something went wrong on our side. Your cart is safe. Please try again in a moment.</p>
      <button type="button" className="button" onClick={reset}>
        Try again
      </button>
    </div>
  );
}
