"use client";

export default function ErrorPage({ reset }: { reset: () => void }) {
  return (
    <div className="empty">
      <p className="eyebrow">500</p>
      <h1>That didn’t work.</h1>
      <p className="soft prose">The fault is ours, and it is noted. Your cart is safe. Please try again in a moment.</p>
      <button type="button" className="button" onClick={reset}>
        Try again
      </button>
    </div>
  );
}
