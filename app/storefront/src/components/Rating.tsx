import { StarIcon } from "./icons";

export function Rating({ value, count }: { value: number; count: number }) {
  if (!count) return null;
  return (
    <span className="rating">
      <StarIcon />
      <span>
        <span className="visually-hidden">Rated </span>
        {value.toFixed(1)}
        <span className="visually-hidden"> of 5 by</span> ({count.toLocaleString("en")})
      </span>
    </span>
  );
}

export function Stars({ value }: { value: number }) {
  return (
    <span className="stars" role="img" aria-label={`${value} of 5 stars`}>
      {[1, 2, 3, 4, 5].map((star) => (
        <StarIcon key={star} opacity={star <= Math.round(value) ? 1 : 0.25} />
      ))}
    </span>
  );
}
