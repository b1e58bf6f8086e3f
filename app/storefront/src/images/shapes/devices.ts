import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { DARK, type Draw, METAL, WHITE } from "./common";

const LIGHT = css(hsl(158, 70, 60));

export const device: Draw = (pen, { main, second }) => {
  const wide = pen.between(150, 190);
  const tall = pen.between(120, 190);
  const y = FLOOR - tall;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(rect(500 - wide, y - tall, wide * 2, tall * 2, pen.between(50, 110), pen.round(main)));
  if (pen.random() < 0.5)
    pen.add(
      ellipse(500, y, tall * 0.58, tall * 0.58, pen.round(lighter(main, 6))),
      ellipse(500, y, tall * 0.4, tall * 0.4, pen.flat(second)),
      rect(496, y - tall * 0.36, 8, tall * 0.22, 4, css(WHITE)),
    );
  else
    pen.add(
      rect(500 - wide * 0.55, y - tall * 0.6, wide * 1.1, tall * 0.8, 24, css(DARK)),
      rect(500 - wide * 0.4, y - tall * 0.36, wide * 0.5, 16, 8, css(second)),
      rect(500 - wide * 0.4, y - tall * 0.14, wide * 0.75, 16, 8, css(METAL)),
    );
  pen.add(ellipse(500, y + tall * 0.78, 9, 9, LIGHT));
};

export const screen: Draw = (pen, { main, second }) => {
  const wide = pen.between(300, 380);
  const tall = pen.between(190, 220);
  const y = FLOOR - 130 - tall;
  pen.shadow(500, FLOOR, 220, 28);
  pen.add(
    path(`M470 ${y + tall}H530L545 ${FLOOR - 16}H455Z`, pen.round(METAL)),
    rect(360, FLOOR - 24, 280, 24, 12, pen.round(lighter(METAL, 6))),
  );
  pen.add(
    rect(500 - wide, y - tall, wide * 2, tall * 2, 24, pen.flat(main)),
    rect(
      500 - wide + 16,
      y - tall + 16,
      wide * 2 - 32,
      tall * 2 - 40,
      12,
      pen.gradient("down", [0, lighter(second, 8)], [1, lighter(second, -18)]),
    ),
  );
  pen.add(
    path(
      `M${500 - wide + 16} ${y + tall - 24}V${y + 40}Q${500 - wide * 0.4} ${y - 60} ${500} ${y + 50}T${500 + wide - 16} ${y + 10}V${y + tall - 24}Z`,
      css(lighter(main, 14)),
      'opacity=".55"',
    ),
    ellipse(500 + wide * 0.45, y - tall * 0.35, 46, 46, css(hsl(42, 90, 80)), 'opacity=".9"'),
  );
};

export const keyboard: Draw = (pen, { main, second }) => {
  const columns = pen.random() < 0.7 ? 11 : 5;
  const key = columns === 11 ? 54 : 84;
  const left = 500 - (columns * key) / 2;
  const topRow = 470;
  pen.shadow(500, topRow + key * 4 + 30, columns * key * 0.55, 44);
  pen.add(rect(left - 26, topRow - 26, columns * key + 52, key * 4 + 60, 30, pen.flat(main)));
  const accent = Math.floor(pen.between(0, columns));
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < columns; column++) {
      if (row === 3 && column > 2 && column < columns - 3) continue;
      const colour = (column + row * 3) % columns === accent ? second : lighter(main, 12);
      pen.add(
        rect(left + column * key + 4, topRow + row * key + 8, key - 8, key - 8, 10, css(lighter(colour, -12))),
        rect(left + column * key + 4, topRow + row * key + 2, key - 8, key - 10, 10, css(colour)),
      );
    }
  }
  if (columns === 11)
    pen.add(rect(left + key * 3 + 4, topRow + key * 3 + 2, key * 5 - 8, key - 10, 10, css(lighter(main, 12))));
};

export const cable: Draw = (pen, { main, second }) => {
  pen.shadow(500, 700, 260, 60, 0.26);
  const turns = 3 + Math.floor(pen.random() * 3);
  const width = pen.between(22, 34);
  for (let turn = 0; turn < turns; turn++) {
    const r = 130 + turn * (width + 6);
    pen.add(
      `<ellipse cx="500" cy="540" rx="${r}" ry="${(r * 0.86).toFixed(0)}" fill="none" stroke="${css(lighter(main, turn % 2 ? -5 : 3))}" stroke-width="${width.toFixed(0)}"/>`,
    );
  }
  const out = 130 + (turns - 1) * (width + 6);
  pen.add(
    line(`M${500 + out} 540Q${500 + out} 760 ${620} ${FLOOR + 10}`, css(main), width),
    rect(540, FLOOR - 18, 96, 56, 14, pen.round(second)),
    rect(512, FLOOR - 4, 34, 28, 6, css(METAL)),
    rect(500 - 34, 540 - out * 0.86 - 22, 68, turns * (width + 6) + 30, 12, pen.round(second)),
  );
};

export const camera: Draw = (pen, { main, second }) => {
  const wide = pen.between(210, 250);
  const y = FLOOR - 170;
  pen.shadow(500, FLOOR, wide * 1.05);
  pen.add(
    rect(430, y - 216, 140, 70, 20, pen.round(lighter(main, -6))),
    rect(500 - wide * 0.8, y - 186, 70, 40, 12, pen.round(METAL)),
    rect(500 - wide, y - 160, wide * 2, 330, 46, pen.round(main)),
    rect(500 - wide, y - 60, wide * 2, 120, 0, css(lighter(second, -2))),
  );
  pen.add(
    ellipse(500, y + 10, 138, 138, pen.round(METAL)),
    ellipse(500, y + 10, 116, 116, css(DARK)),
    ellipse(500, y + 10, 84, 84, pen.gradient("glow", [0, hsl(220, 40, 40)], [0.8, hsl(240, 30, 14)], [1, DARK])),
    ellipse(468, y - 24, 22, 26, css(WHITE), 'opacity=".5"'),
    rect(500 + wide - 90, y - 128, 56, 40, 10, css(WHITE)),
  );
};
