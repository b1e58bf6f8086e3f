/** Colours as hue (degrees), saturation and lightness (percent). */
export interface Colour {
  h: number;
  s: number;
  l: number;
}

export const hsl = (h: number, s: number, l: number): Colour => ({ h, s, l });
export const css = ({ h, s, l }: Colour): string => `hsl(${h.toFixed(0)} ${s.toFixed(0)}% ${l.toFixed(1)}%)`;
export const lighter = (colour: Colour, by: number): Colour => ({ ...colour, l: Math.min(97, Math.max(4, colour.l + by)) });

/** What things are made in: glazes, dyes and paints that go together. */
export const FINISHES: readonly Colour[] = [
  hsl(14, 52, 52), // terracotta
  hsl(158, 30, 34), // bottle green
  hsl(38, 62, 60), // ochre
  hsl(212, 34, 38), // slate blue
  hsl(28, 16, 82), // oat
  hsl(348, 32, 62), // rose
  hsl(24, 10, 20), // graphite
  hsl(96, 18, 56), // sage
  hsl(200, 32, 66), // mist
  hsl(8, 58, 40), // oxblood
  hsl(48, 30, 90), // chalk
  hsl(262, 18, 50), // heather
];

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
