/** What the shapes are drawn with: SVG fragments on a field of 1000 × 1000, the table at y = 800. */
import { type Colour, css, lighter } from "./colour";

export const FLOOR = 800;

export class Pen {
  private readonly definitions: string[] = [];
  private readonly parts: string[] = [];

  /** `random` gives the next number of the design's own sequence, 0 ≤ x < 1. */
  constructor(readonly random: () => number) {}

  between(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.random() * items.length)] as Item;
  }

  add(...parts: string[]): void {
    this.parts.push(...parts);
  }

  /** A gradient's reference for `fill`. Stops are [offset, colour, opacity]. */
  gradient(kind: "across" | "down" | "glow", ...stops: [number, Colour, number?][]): string {
    const id = `g${this.definitions.length}`;
    const inner = stops
      .map(
        ([offset, colour, opacity = 1]) =>
          `<stop offset="${offset}" stop-color="${css(colour)}" stop-opacity="${opacity}"/>`,
      )
      .join("");
    this.definitions.push(
      kind === "glow"
        ? `<radialGradient id="${id}">${inner}</radialGradient>`
        : `<linearGradient id="${id}" x1="0" y1="0" x2="${kind === "across" ? 1 : 0}" y2="${kind === "across" ? 0 : 1}">${inner}</linearGradient>`,
    );
    return `url(#${id})`;
  }

  /** The shading of something round that stands upright, lit from the upper left. */
  round(colour: Colour): string {
    return this.gradient(
      "across",
      [0, lighter(colour, -7)],
      [0.28, lighter(colour, 9)],
      [0.6, colour],
      [1, lighter(colour, -17)],
    );
  }

  /** The shading of something flat. */
  flat(colour: Colour): string {
    return this.gradient("down", [0, lighter(colour, 5)], [1, lighter(colour, -6)]);
  }

  /** A soft shadow on the table. */
  shadow(x: number, y: number, rx: number, ry = rx * 0.16, strength = 0.34): void {
    const dark: Colour = { h: 28, s: 25, l: 14 };
    const fill = this.gradient("glow", [0, dark, strength], [0.55, dark, strength * 0.45], [1, dark, 0]);
    this.add(ellipse(x + rx * 0.12, y, rx * 1.25, ry * 1.5, fill));
  }

  toString(): string {
    return `<defs>${this.definitions.join("")}</defs>${this.parts.join("")}`;
  }
}

const n = (value: number): string => value.toFixed(1);

export const ellipse = (x: number, y: number, rx: number, ry: number, fill: string, more = ""): string =>
  `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(rx)}" ry="${n(ry)}" fill="${fill}" ${more}/>`;

export const rect = (
  x: number,
  y: number,
  width: number,
  height: number,
  radius: number,
  fill: string,
  more = "",
): string =>
  `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(radius)}" fill="${fill}" ${more}/>`;

export const path = (d: string, fill: string, more = ""): string => `<path d="${d}" fill="${fill}" ${more}/>`;

export const line = (d: string, stroke: string, width: number, more = ""): string =>
  `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${n(width)}" stroke-linecap="round" stroke-linejoin="round" ${more}/>`;
