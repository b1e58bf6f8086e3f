import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { type Draw, METAL, WHITE } from "./common";

export const backpack: Draw = (pen, { main, second }) => {
  const wide = pen.between(170, 200);
  const top = FLOOR - pen.between(430, 480);
  const flap = pen.random() < 0.5;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(line(`M${460} ${top + 20}C450 ${top - 70} 550 ${top - 70} 540 ${top + 20}`, css(lighter(main, -16)), 20));
  pen.add(
    rect(500 - wide - 22, FLOOR - 260, 60, 220, 28, pen.flat(lighter(main, -12))),
    rect(500 + wide - 38, FLOOR - 260, 60, 220, 28, pen.flat(lighter(main, -12))),
  );
  pen.add(rect(500 - wide, top, wide * 2, FLOOR - top, 90, pen.round(main)));
  pen.add(
    rect(500 - wide + 34, FLOOR - 206, wide * 2 - 68, 180, 36, pen.round(lighter(main, 5))),
    line(`M${500 - wide + 60} ${FLOOR - 166}H${500 + wide - 60}`, css(lighter(main, -18)), 7),
  );
  if (flap) {
    pen.add(
      path(
        `M${500 - wide} ${top + 90}Q${500 - wide} ${top} ${500 - wide + 90} ${top}H${500 + wide - 90}Q${500 + wide} ${top} ${500 + wide} ${top + 90}V${top + 170}Q500 ${top + 230} ${500 - wide} ${top + 170}Z`,
        pen.round(lighter(main, -5)),
      ),
    );
    for (const x of [430, 570])
      pen.add(rect(x - 13, top + 120, 26, 120, 8, css(second)), rect(x - 19, top + 190, 38, 30, 6, css(METAL)));
  } else {
    pen.add(
      line(
        `M${500 - wide + 40} ${top + 190}C${500 - wide + 40} ${top + 60} ${500 + wide - 40} ${top + 60} ${500 + wide - 40} ${top + 190}`,
        css(lighter(main, -18)),
        7,
      ),
      rect(500 - wide + 40, top + 186, 16, 44, 6, css(second)),
    );
  }
};

export const tote: Draw = (pen, { main, second }) => {
  const wide = pen.between(180, 220);
  const top = FLOOR - pen.between(340, 390);
  pen.shadow(500, FLOOR, wide * 1.05);
  const strap = css(pen.random() < 0.5 ? second : lighter(main, -12));
  pen.add(
    line(
      `M${500 - wide * 0.5} ${top + 60}C${500 - wide * 0.5} ${top - 200} ${500 + wide * 0.5} ${top - 200} ${500 + wide * 0.5} ${top + 60}`,
      strap,
      24,
    ),
  );
  pen.add(
    path(
      `M${500 - wide} ${top}H${500 + wide}L${500 + wide * 0.9} ${FLOOR - 22}Q${500 + wide * 0.88} ${FLOOR} ${500 + wide * 0.8} ${FLOOR}H${500 - wide * 0.8}Q${500 - wide * 0.88} ${FLOOR} ${500 - wide * 0.9} ${FLOOR - 22}Z`,
      pen.round(main),
    ),
  );
  pen.add(
    line(`M${500 - wide + 8} ${top + 26}H${500 + wide - 8}`, css(lighter(main, -18)), 4, 'stroke-dasharray="14 12"'),
  );
  for (const side of [-1, 1]) pen.add(rect(500 + side * wide * 0.5 - 14, top - 6, 28, 110, 6, strap));
  if (pen.random() < 0.6)
    pen.add(
      ellipse(500, FLOOR - 140, 74, 74, css(second)),
      rect(426, FLOOR - 140, 148, 74, 0, css(lighter(second, -9))),
    );
};

export const headphones: Draw = (pen, { main, second }) => {
  const wide = pen.between(190, 220);
  const y = FLOOR - 180;
  const band = css(lighter(main, -10));
  pen.shadow(500, FLOOR, wide * 1.2);
  pen.add(
    line(
      `M${500 - wide} ${y}C${500 - wide - 10} ${y - 430} ${500 + wide + 10} ${y - 430} ${500 + wide} ${y}`,
      band,
      40,
    ),
    line(
      `M${500 - wide * 0.7} ${y - 220}C${500 - wide * 0.5} ${y - 340} ${500 + wide * 0.5} ${y - 340} ${500 + wide * 0.7} ${y - 220}`,
      css(lighter(second, 2)),
      22,
    ),
  );
  for (const side of [-1, 1]) {
    const x = 500 + side * wide;
    pen.add(
      rect(x - side * 34 - 40, y - 120, 80, 270, 40, pen.round(lighter(second, -4))),
      rect(x + side * 14 - 52, y - 140, 104, 310, 52, pen.round(main)),
      ellipse(x + side * 22, y + 14, 22, 80, css(METAL), 'opacity=".7"'),
    );
  }
};

export const speaker: Draw = (pen, { main, second, wood }) => {
  const wide = pen.between(150, 210);
  const height = pen.between(330, 460);
  const top = FLOOR - height;
  const box = pen.random() < 0.5 ? wood : main;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(rect(500 - wide, top, wide * 2, height, pen.between(20, 70), pen.round(box)));
  const big = Math.min(wide * 0.72, height * 0.28);
  for (const [y, r] of [
    [FLOOR - big - 46, big],
    [top + big * 0.62 + 30, big * 0.5],
  ] as const) {
    pen.add(
      ellipse(500, y, r, r, css(hsl(24, 8, 16))),
      ellipse(
        500,
        y,
        r * 0.86,
        r * 0.86,
        pen.gradient("glow", [0, lighter(second, -6)], [0.7, lighter(second, -18)], [1, hsl(24, 8, 18)]),
      ),
      ellipse(500, y, r * 0.3, r * 0.3, pen.round(METAL)),
    );
  }
};

export const watch: Draw = (pen, { main, second }) => {
  const size = pen.between(140, 170);
  const y = 520;
  const half = size * 0.62;
  const ink = css(hsl(24, 12, 14));
  pen.shadow(500, FLOOR + 20, 180, 26, 0.26);
  pen.add(
    rect(500 - half, y - 330, half * 2, 300, 26, pen.round(main)),
    rect(500 - half, y + 30, half * 2, 290, 26, pen.round(main)),
  );
  for (const at of [200, 236, 272]) pen.add(ellipse(500, y + at, 9, 6, css(lighter(main, -24))));
  pen.add(
    rect(500 + size - 12, y - 20, 36, 40, 10, pen.round(METAL)),
    ellipse(500, y, size, size, pen.round(lighter(METAL, 8))),
    ellipse(500, y, size - 20, size - 20, pen.flat(pen.random() < 0.5 ? WHITE : lighter(second, -12))),
  );
  const mark = pen.random() < 0.5 ? css(METAL) : ink;
  for (let hour = 0; hour < 12; hour++)
    pen.add(
      `<g transform="rotate(${hour * 30} 500 ${y})">${rect(496, y - size + 32, 8, hour % 3 ? 16 : 28, 4, mark)}</g>`,
    );
  const turn = pen.between(0, 360);
  pen.add(
    `<g transform="rotate(${turn.toFixed(0)} 500 ${y})">${rect(495, y - size * 0.5, 10, size * 0.55, 5, mark)}</g><g transform="rotate(${((turn * 12) % 360).toFixed(0)} 500 ${y})">${rect(496, y - size * 0.7, 8, size * 0.76, 4, mark)}</g>`,
    ellipse(500, y, 11, 11, css(second)),
  );
};

export const notebook: Draw = (pen, { main, second, wood }) => {
  const tilt = pen.between(-9, 9);
  const y = 500;
  pen.shadow(500, FLOOR - 20, 220, 40, 0.3);
  pen.add(
    `<g transform="rotate(${(tilt * 0.6 + 7).toFixed(1)} 500 ${y})">${rect(330, y - 236, 350, 480, 18, pen.flat(second))}</g>`,
  );
  pen.add(
    `<g transform="rotate(${tilt.toFixed(1)} 500 ${y})">${rect(322, y - 246, 372, 496, 16, css(WHITE))}${rect(312, y - 250, 372, 496, 16, pen.round(main))}${rect(312, y - 250, 44, 496, 14, css(lighter(main, -9)))}${rect(616, y - 250, 18, 496, 0, css(lighter(second, -4)))}${rect(410, y - 140, 160, 70, 8, css(lighter(main, 22)), 'opacity=".8"')}</g>`,
  );
  pen.add(
    `<g transform="rotate(28 640 560)">${rect(630, 330, 26, 380, 13, pen.round(wood))}${path("M630 700h26l-13 44Z", css(hsl(24, 12, 20)))}</g>`,
  );
};
