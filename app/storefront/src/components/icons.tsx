import type { SVGProps } from "react";

/** Line icons, drawn on 24 × 24; decoration only, the words beside them carry the meaning. */
const icon = (path: string, filled = false) =>
  function Icon(props: SVGProps<SVGSVGElement>) {
    return (
      <svg
        viewBox="0 0 24 24"
        fill={filled ? "currentColor" : "none"}
        stroke={filled ? "none" : "currentColor"}
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        {...props}
      >
        <path d={path} />
      </svg>
    );
  };

export const SearchIcon = icon("M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm5 12 4.5 4.5");
export const BagIcon = icon("M5.5 8h13l1 12.5h-15L5.5 8Zm3 0V7a3.5 3.5 0 0 1 7 0v1");
export const PersonIcon = icon("M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 8.5c.8-4 4-6 8-6s7.2 2 8 6");
export const CloseIcon = icon("m6 6 12 12M18 6 6 18");
export const StarIcon = icon("m12 3 2.7 5.7 6.2.8-4.6 4.3 1.2 6.2-5.5-3-5.5 3 1.2-6.2L3.1 9.5l6.2-.8L12 3Z", true);
