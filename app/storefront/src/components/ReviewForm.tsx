"use client";
import { type FormEvent, useState } from "react";
import { enqueue } from "@/offline/queue";
import type { Product } from "@/shop/catalogue";
import { Link } from "./Link";
import { useVisitor } from "./useVisitor";

/** A review; it is queued, so it can be written without a network. */
export function ReviewForm({ product, onDone }: { product: Product; onDone: () => void }) {
  const [sent, setSent] = useState(false);
  const visitor = useVisitor();

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    await enqueue(
      "POST",
      "/api/reviews",
      {
        product_id: product.id,
        rating: Number(form.get("rating")),
        title: String(form.get("title")),
        body: String(form.get("body")),
      },
      `Your review of ${product.name}`,
    );
    setSent(true);
  }

  if (sent) {
    return (
      <p className="notice good" role="status">
        Thank you. Your review will appear here once it has reached us.
      </p>
    );
  }
  if (visitor === null) {
    return (
      <p className="notice" role="status">
        <Link href={`/login?next=/products/${product.id}`}>Sign in</Link> to write a review.
      </p>
    );
  }
  return (
    <form className="form" onSubmit={submit}>
      <div className="field">
        <label htmlFor="rating">Your rating</label>
        <select id="rating" name="rating" required defaultValue="5">
          {[5, 4, 3, 2, 1].map((stars) => (
            <option key={stars} value={stars}>
              {stars} of 5
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor="title">Title</label>
        <input id="title" name="title" maxLength={120} required />
      </div>
      <div className="field">
        <label htmlFor="body">Your review</label>
        <textarea id="body" name="body" rows={4} maxLength={4000} />
      </div>
      <div className="hero-actions">
        <button type="submit" className="button small">
          Send
        </button>
        <button type="button" className="button quiet small" onClick={onDone}>
          Cancel
        </button>
      </div>
    </form>
  );
}
