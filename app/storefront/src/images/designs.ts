/**
 * The designs that products come in: kinds of things, in the colours that the catalogue names, in three variations each.
 * A product's `image` in the database is the name of a design, such as `lamp-rust-2`.
 */
import { FINISHES } from "./colour";
import { SHAPES } from "./shapes";

export const VARIATIONS = 3;

export interface Design {
  kind: string;
  colour: string;
  /** From 1 to `VARIATIONS`. */
  variation: number;
}

export const KINDS: readonly string[] = Object.keys(SHAPES);
export const COLOURS: readonly string[] = Object.keys(FINISHES);

/** The design of that name; undefined if there is none. */
export function designOf(name: string): Design | undefined {
  const [, kind = "", colour = "", digit] = /^([a-z]+)-([a-z]+)-([1-9])$/.exec(name) ?? [];
  const variation = Number(digit);
  return Object.hasOwn(SHAPES, kind) && Object.hasOwn(FINISHES, colour) && variation <= VARIATIONS
    ? { kind, colour, variation }
    : undefined;
}
