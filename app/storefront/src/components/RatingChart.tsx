import type { Review } from "@/shop/catalogue";

/** How the reviews on the page are spread over the stars. */
export function RatingChart({ reviews }: { reviews: Review[] }) {
  if (!reviews.length) return null;
  return (
    <ul role="list" className="histogram" aria-label="The reviews shown here, by stars">
      {[5, 4, 3, 2, 1].map((stars) => {
        const count = reviews.filter((review) => review.rating === stars).length;
        return (
          <li key={stars}>
            <span>
              {stars}
              <span className="visually-hidden"> stars:</span>
            </span>
            <svg className="bar" aria-hidden="true">
              <rect width={`${(100 * count) / reviews.length}%`} height="100%" />
            </svg>
            <span>{count}</span>
          </li>
        );
      })}
    </ul>
  );
}
