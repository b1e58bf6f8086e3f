/** A design's picture as SVG: the thing, in front of a wall, from three points of view. */
import type { View } from "../shop/image-views";
import { css, FINISHES, GROUNDS, hsl, lighter, WOODS } from "./colour";
import { COLOURS, type Design, KINDS } from "./designs";
import { FLOOR, line, Pen, path, rect } from "./pen";
import { SHAPES } from "./shapes";

/** Mulberry32: a short sequence that is the same everywhere, from a seed of 32 bits. */
function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Which part of the 1000 × 1000 field each view shows. */
const FRAMES: Record<View, string> = { front: "0 0 1000 1000", detail: "270 330 460 460", room: "-130 -190 1260 1260" };

export function draw(design: Design, view: View): string {
  const kind = KINDS.indexOf(design.kind);
  const colour = COLOURS.indexOf(design.colour);
  // Steps that share no factor with the lists' lengths: neighbours in a listing differ in every respect.
  const turn = kind * 5 + colour * 7 + design.variation * 3;
  const pen = new Pen(sequence((kind * 97 + colour * 31 + design.variation) * 7_919));
  const main = FINISHES[design.colour] ?? hsl(0, 0, 50);
  const partner = COLOURS[(colour + 5 + (turn % 6)) % COLOURS.length] ?? design.colour;
  const second = FINISHES[partner] ?? main;
  const wood = WOODS[turn % WOODS.length] ?? main;
  const ground = GROUNDS[turn % GROUNDS.length] ?? main;

  backdrop(pen, ground, view);
  SHAPES[design.kind]?.(pen, { main, second, wood });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="1000" viewBox="${FRAMES[view]}">${pen}</svg>`;
}

function backdrop(pen: Pen, ground: ReturnType<typeof hsl>, view: View): void {
  const edge = FLOOR - 130;
  pen.add(
    rect(
      -200,
      -200,
      1400,
      1400,
      0,
      pen.gradient("down", [0, lighter(ground, 3)], [0.6, ground], [1, lighter(ground, -3)]),
    ),
  );
  if (view === "room") {
    // Light from a window, and a shelf edge: enough to say "at home".
    const light = css(lighter(ground, 6));
    for (const [x, y] of [
      [600, -80],
      [790, -80],
      [600, 130],
      [790, 130],
    ] as const)
      pen.add(path(`M${x} ${y}h150l-60 180h-150Z`, light, 'opacity=".7"'));
    pen.add(
      rect(
        -200,
        edge,
        1400,
        700,
        0,
        pen.gradient(
          "down",
          [0, lighter({ ...ground, s: ground.s + 14 }, -13)],
          [1, lighter({ ...ground, s: ground.s + 14 }, -19)],
        ),
      ),
    );
    pen.add(line(`M-200 ${edge}H1200`, css(lighter(ground, -20)), 4, 'opacity=".5"'));
  } else {
    pen.add(rect(-200, edge, 1400, 700, 0, pen.gradient("down", [0, lighter(ground, -4)], [1, lighter(ground, 2)])));
  }
  pen.add(
    `<ellipse cx="330" cy="240" rx="620" ry="520" fill="${pen.gradient("glow", [0, hsl(45, 60, 99), 0.65], [1, hsl(45, 60, 99), 0])}"/>`,
  );
}
