import { type Colour, css, hsl, lighter } from "../colour";
import { FLOOR, line, type Pen } from "../pen";

/** The product's colour, a second one beside it, and a wood. */
export interface Colours {
  main: Colour;
  second: Colour;
  wood: Colour;
}

/** Draws a kind of thing standing on the table, around x = 500. */
export type Draw = (pen: Pen, colours: Colours) => void;

export const WARM = hsl(42, 90, 82);
export const METAL = hsl(36, 14, 66);
export const WHITE = hsl(40, 30, 96);
export const DARK = hsl(24, 8, 16);

export function legs(pen: Pen, feet: [topX: number, footX: number][], top: number, wood: Colour, width = 24): void {
  for (const [from, to] of feet)
    pen.add(line(`M${from} ${top}L${to} ${FLOOR - 6}`, css(lighter(wood, from < 500 ? 0 : -7)), width));
}
