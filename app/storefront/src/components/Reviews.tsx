"use client";
import { useState } from "react";
import type { FirstReviews, Product } from "@/shop/catalogue";
import { part } from "./part";
import { RatingChart } from "./RatingChart";
import { Stars } from "./Rating";
import { Underway } from "./Underway";
import { useUnderway } from "./useUnderway";

/** Fetched when somebody wants to write one. */
const ReviewForm = part("review", () => import("./ReviewForm").then((module) => module.ReviewForm));

const day = (date: string) =>
  new Date(date).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

export function Reviews({ product, first }: { product: Product; first: FirstReviews }) {
  const [reviews, setReviews] = useState(first.items);
  const [next, setNext] = useState(first.next);
  const [writing, setWriting] = useState(false);
  const [problem, setProblem] = useState("");
  const [fetching, start] = useUnderway();

  async function more() {
    try {
      const { fetchReviews } = await import("@/shop/browser-api");
      const page = await fetchReviews(product.id, next);
      setReviews([...reviews, ...page.items]);
      setNext(page.next);
      setProblem("");
    } catch {
      setProblem("More reviews couldn’t be loaded. Please try again.");
    }
  }

  return (
    <section className="section" aria-labelledby="reviews">
      <div className="section-head">
        <h2 id="reviews">What customers say</h2>
      </div>
      <div className="reviews">
        <div className="reviews-summary">
          {product.ratingCount ? (
            <>
              <p className="reviews-score">{product.rating.toFixed(1)}</p>
              <Stars value={product.rating} />
              <p className="soft small">
                {product.ratingCount.toLocaleString("en")} {product.ratingCount === 1 ? "rating" : "ratings"}
              </p>
              <RatingChart byStars={first.byStars} />
            </>
          ) : (
            <p className="soft">No reviews yet. Be the first to write one.</p>
          )}
          {writing ? (
            <ReviewForm product={product} onDone={() => setWriting(false)} />
          ) : (
            <button type="button" className="button quiet small" onClick={() => setWriting(true)}>
              Write a review
            </button>
          )}
        </div>
        <div>
          <ul role="list" className="review-list">
            {reviews.map((review) => (
              <li key={review.id}>
                <Stars value={review.rating} />
                {review.title ? <h3>{review.title}</h3> : null}
                {review.body ? <p className="prose">{review.body}</p> : null}
                <p className="soft small">
                  {review.author} · {day(review.createdAt)}
                  {review.verified ? " · Bought here" : null}
                </p>
              </li>
            ))}
          </ul>
          {problem ? <p className="notice warn">{problem}</p> : null}
          {next ? (
            <div className="more beside">
              <button type="button" className="button quiet small" disabled={fetching} onClick={() => start(more)}>
                More reviews
                {fetching ? <Underway /> : null}
              </button>
            </div>
          ) : null}
        </div>
      </div>
    </section>
  );
}
