/**
 * The designs that products come in: kinds of things, each in a dozen variations. A product's `image` in the database
 * is the name of a design; `designs.json` keeps the blur hash of each, for the page to show until the picture is there.
 */
export const KINDS = [
  "lamp", "pendant", "chair", "stool", "sofa", "table", "vase", "mug", "bowl", "teapot", "bottle", "pot",
  "cushion", "blanket", "clock", "candle", "plant", "frame", "backpack", "tote", "headphones", "speaker", "watch", "notebook",
] as const;

export type Kind = (typeof KINDS)[number];
export const VARIATIONS = 12;

export interface Design {
  kind: Kind;
  /** From 0. */
  variation: number;
}

export const nameOf = ({ kind, variation }: Design): string => `${kind}-${String(variation + 1).padStart(2, "0")}`;

/** The design of that name; undefined if there is none. */
export function designOf(name: string): Design | undefined {
  const [, kind, digits] = /^([a-z]+)-(\d\d)$/.exec(name) ?? [];
  const variation = Number(digits) - 1;
  const known = KINDS.find((each) => each === kind);
  return known && variation >= 0 && variation < VARIATIONS ? { kind: known, variation } : undefined;
}

export const everyDesign = (): Design[] =>
  KINDS.flatMap((kind) => Array.from({ length: VARIATIONS }, (_, variation) => ({ kind, variation })));
