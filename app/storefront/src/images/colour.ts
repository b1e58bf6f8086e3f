/** Colours as hue (degrees), saturation and lightness (percent). */
export interface Colour {
  h: number;
  s: number;
  l: number;
}

export const hsl = (h: number, s: number, l: number): Colour => ({ h, s, l });
export const css = ({ h, s, l }: Colour): string => `hsl(${h.toFixed(0)} ${s.toFixed(0)}% ${l.toFixed(1)}%)`;
export const lighter = (colour: Colour, by: number): Colour => ({
  ...colour,
  l: Math.min(97, Math.max(4, colour.l + by)),
});

/** The colours products come in, by the word in their names; also the middle part of a design's name. */
export const FINISHES: Readonly<Record<string, Colour>> = {
  black: hsl(24, 8, 16),
  white: hsl(44, 26, 92),
  sand: hsl(34, 34, 74),
  olive: hsl(68, 28, 38),
  navy: hsl(220, 42, 28),
  rust: hsl(16, 62, 42),
  sage: hsl(110, 16, 60),
  charcoal: hsl(210, 8, 28),
  cream: hsl(44, 50, 84),
  terracotta: hsl(14, 52, 54),
  slate: hsl(208, 16, 46),
  mustard: hsl(42, 72, 54),
  blush: hsl(352, 42, 76),
  forest: hsl(154, 36, 26),
  sky: hsl(202, 48, 66),
  plum: hsl(320, 28, 34),
};

/** Walls and tables that things are shown against, light enough for any finish. */
export const GROUNDS: readonly Colour[] = [
  hsl(36, 30, 90),
  hsl(24, 24, 88),
  hsl(80, 12, 88),
  hsl(200, 16, 90),
  hsl(14, 30, 89),
  hsl(48, 34, 88),
  hsl(220, 12, 91),
];

export const WOODS: readonly Colour[] = [hsl(30, 44, 58), hsl(24, 36, 40), hsl(34, 40, 70)];
