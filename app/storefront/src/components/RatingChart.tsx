/** How all reviews are spread over the stars; `byStars` begins with those of one star. */
export function RatingChart({ byStars }: { byStars: number[] }) {
  const all = byStars.reduce((sum, count) => sum + count, 0);
  if (!all) return null;
  return (
    <ul role="list" className="histogram" aria-label="All reviews, by stars">
      {[5, 4, 3, 2, 1].map((stars) => {
        const count = byStars[stars - 1] ?? 0;
        return (
          <li key={stars}>
            <span>
              {stars}
              <span className="visually-hidden"> stars:</span>
            </span>
            <svg className="bar" aria-hidden="true">
              <rect width={`${(100 * count) / all}%`} height="100%" />
            </svg>
            <span>{count}</span>
          </li>
        );
      })}
    </ul>
  );
}
