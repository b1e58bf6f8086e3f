import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { DARK, type Draw, METAL, WHITE } from "./common";

export const jar: Draw = (pen, { main, second, wood }) => {
  const wide = pen.between(130, 170);
  const tall = pen.between(150, 210);
  const top = FLOOR - tall;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(
    rect(500 - wide, top, wide * 2, tall, 40, pen.round(main)),
    rect(500 - wide - 8, top - 74, wide * 2 + 16, 86, 20, pen.round(pen.random() < 0.5 ? wood : lighter(second, 4))),
    rect(500 - wide * 0.62, top + tall * 0.3, wide * 1.24, tall * 0.42, 6, css(WHITE)),
    rect(500 - wide * 0.4, top + tall * 0.42, wide * 0.8, 10, 5, css(second)),
    rect(500 - wide * 0.3, top + tall * 0.56, wide * 0.6, 8, 4, css(lighter(second, 18))),
  );
};

export const tube: Draw = (pen, { main, second }) => {
  const wide = pen.between(84, 110);
  pen.shadow(500, FLOOR, wide * 1.2);
  pen.add(
    path(`M${500 - wide - 22} 330H${500 + wide + 22}L${500 + wide} 710H${500 - wide}Z`, pen.round(main)),
    rect(500 - wide - 26, 312, wide * 2 + 52, 34, 6, css(lighter(main, -10))),
    rect(500 - wide + 4, 700, wide * 2 - 8, 100, 18, pen.round(second)),
    rect(500 - wide * 0.55, 440, wide * 1.1, 14, 7, css(second)),
    rect(500 - wide * 0.4, 476, wide * 0.8, 10, 5, css(WHITE)),
    ellipse(500, 590, wide * 0.34, wide * 0.34, css(second), 'opacity=".7"'),
  );
};

export const dispenser: Draw = (pen, { main, second }) => {
  const wide = pen.between(100, 130);
  const top = pen.between(430, 480);
  pen.shadow(500, FLOOR, wide * 1.2);
  pen.add(
    rect(484, 330, 32, top - 320, 8, pen.round(second)),
    path("M470 296H640Q664 296 664 336V350H634V334H470Z", pen.flat(second)),
    rect(448, top - 56, 104, 66, 14, pen.round(second)),
    rect(500 - wide, top, wide * 2, FLOOR - top, 44, pen.round(main)),
    rect(500 - wide * 0.68, top + 90, wide * 1.36, 150, 8, css(WHITE)),
    rect(500 - wide * 0.46, top + 120, wide * 0.92, 14, 7, css(second)),
    rect(500 - wide * 0.36, top + 156, wide * 0.72, 9, 4, css(lighter(second, 20))),
    rect(500 - wide * 0.36, top + 182, wide * 0.5, 9, 4, css(lighter(second, 20))),
  );
};

export const perfume: Draw = (pen, { main, second }) => {
  const wide = pen.between(140, 180);
  const top = pen.between(470, 520);
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(
    rect(500 - wide, top, wide * 2, FLOOR - top, pen.between(18, 110), pen.round(lighter(main, 12)), 'opacity=".72"'),
    rect(500 - wide + 22, top + 90, wide * 2 - 44, FLOOR - top - 112, 30, pen.round(second), 'opacity=".8"'),
    rect(468, top - 40, 64, 44, 6, css(METAL)),
    rect(440, top - 150, 120, 116, pen.between(10, 56), pen.round(main)),
    rect(500 - wide + 26, top + 30, 16, 160, 8, css(WHITE), 'opacity=".55"'),
  );
};

export const pencil: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, 640, 300, 70, 0.22);
  const colours = [main, second, wood];
  for (const [index, x] of [-74, 0, 74].entries()) {
    const colour = colours[index] ?? main;
    pen.add(
      `<g transform="rotate(${42 + index * 3} 500 500)">${rect(500 + x - 24, 200, 48, 500, 20, pen.round(colour))}${path(`M${500 + x - 24} 694h48l-18 74h-12Z`, pen.round(METAL))}${path(`M${500 + x - 6} 768h12l-6 26Z`, css(DARK))}${rect(500 + x + 10, 214, 12, 160, 6, css(METAL))}${rect(500 + x - 25, 420, 50, 12, 0, css(METAL))}</g>`,
    );
  }
};

export const tray: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 260, 40);
  pen.add(rect(270, 600, 460, 200, 30, pen.flat(main)), rect(294, 640, 412, 40, 20, css(lighter(main, -18))));
  for (const [x, height, colour] of [
    [340, 260, wood],
    [390, 320, second],
    [440, 230, lighter(second, 16)],
  ] as const)
    pen.add(rect(x, 660 - height, 26, height, 12, pen.round(colour)));
  pen.add(
    rect(540, 480, 120, 180, 10, pen.flat(WHITE)),
    rect(560, 510, 80, 10, 5, css(second)),
    rect(560, 540, 60, 10, 5, css(lighter(second, 16))),
    rect(270, 680, 460, 120, 30, pen.flat(lighter(main, 4))),
  );
};

export const officechair: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 230, 36);
  for (const x of [300, 400, 500, 600, 700])
    pen.add(line(`M500 710L${x} ${FLOOR - 26}`, css(lighter(DARK, 10)), 22), ellipse(x, FLOOR - 16, 20, 18, css(DARK)));
  pen.add(
    rect(484, 600, 32, 120, 8, pen.round(METAL)),
    rect(350, pen.between(210, 250), 300, 300, pen.between(40, 90), pen.round(main)),
    line("M500 500V580", css(DARK), 30),
    rect(332, 552, 336, 72, 34, pen.round(second)),
    line("M330 470V400H300M670 470V400H700", css(DARK), 24),
    line("M330 470L350 570M670 470L650 570", css(DARK), 20),
  );
};

export const helmet: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 260, 40);
  pen.add(
    line("M340 660C360 800 620 800 660 660", css(DARK), 18),
    path("M230 640C220 380 400 320 520 330C700 340 790 480 780 650C620 690 380 690 230 640Z", pen.round(main)),
  );
  for (const [x, tilt] of [
    [380, -14],
    [500, 0],
    [620, 14],
  ] as const)
    pen.add(`<g transform="rotate(${tilt} ${x} 500)">${rect(x - 24, 400, 48, 190, 24, css(lighter(DARK, 6)))}</g>`);
  pen.add(path("M230 640C380 690 620 690 780 650V690C620 730 380 730 226 680Z", css(second)));
};

export const kettlebell: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 220);
  if (pen.random() < 0.55)
    pen.add(
      line("M400 560C350 340 650 340 600 560", css(lighter(main, -6)), 58),
      ellipse(500, FLOOR - 150, 190, 160, pen.round(main)),
      rect(400, FLOOR - 24, 200, 24, 10, css(lighter(main, -14))),
      ellipse(500, FLOOR - 150, 70, 70, css(second)),
      ellipse(440, FLOOR - 220, 34, 24, css(WHITE), 'opacity=".25"'),
    );
  else {
    pen.add(rect(330, 640, 340, 44, 20, pen.gradient("down", [0, lighter(METAL, 14)], [1, lighter(METAL, -16)])));
    for (const [x, tall] of [
      [230, 130],
      [290, 110],
      [650, 110],
      [710, 130],
    ] as const)
      pen.add(rect(x, 662 - tall, 60, tall * 2, 22, pen.round(x === 290 || x === 650 ? second : main)));
  }
};

export const tent: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 380, 46);
  pen.add(
    path(`M150 ${FLOOR}Q420 620 500 330Q580 620 850 ${FLOOR}Z`, pen.round(main)),
    path(`M500 330Q580 620 850 ${FLOOR}H600Z`, css(lighter(main, -10)), 'opacity=".6"'),
    path(`M500 420Q470 640 380 ${FLOOR}H620Q530 640 500 420Z`, css(lighter(DARK, 8))),
    path(
      `M500 420Q470 640 380 ${FLOOR}H330Q460 640 500 420ZM500 420Q530 640 620 ${FLOOR}H670Q540 640 500 420Z`,
      css(second),
    ),
    line(`M500 330L500 300M210 730L120 ${FLOOR}M790 730L880 ${FLOOR}`, css(METAL), 6),
  );
};

export const blocks: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 280, 40);
  const colours = [main, second, wood, lighter(main, 14), hsl(42, 70, 62)];
  const side = 130;
  for (const [x, row] of [
    [300, 0],
    [435, 0],
    [570, 0],
    [365, 1],
    [505, 1],
    [pen.between(400, 470), 2],
  ] as const) {
    const y = FLOOR - side * (row + 1);
    const colour = pen.pick(colours);
    pen.add(
      path(`M${x} ${y}l26 -24h${side}l-26 24Z`, css(lighter(colour, 12))),
      path(`M${x + side} ${y}l26 -24v${side}l-26 24Z`, css(lighter(colour, -14))),
      rect(x, y, side, side, 8, pen.flat(colour)),
    );
    pen.add(
      row % 2
        ? ellipse(x + side / 2, y + side / 2, 32, 32, css(lighter(colour, 18)))
        : rect(x + 38, y + 38, side - 76, side - 76, 8, css(lighter(colour, 16))),
    );
  }
};

export const kite: Draw = (pen, { main, second }) => {
  pen.add(
    path("M500 140L700 400L500 760L300 400Z", pen.flat(main)),
    path("M500 140L700 400H500ZM300 400H500V760Z", css(second), 'opacity=".85"'),
    line("M500 140V760M300 400H700", css(lighter(main, -22)), 6),
    line("M500 760C420 820 600 850 520 930", css(DARK), 6),
  );
  for (const [x, y] of [
    [470, 815],
    [560, 862],
  ] as const)
    pen.add(path(`M${x} ${y}l-40 -20v40ZM${x} ${y}l40 -20v40Z`, css(second)));
};

export const goggles: Draw = (pen, { main, second }) => {
  pen.shadow(500, 690, 260, 40, 0.26);
  pen.add(line("M250 540C160 560 160 700 330 720M750 540C840 560 840 700 670 720", css(second), 30));
  for (const x of [370, 630])
    pen.add(
      rect(x - 130, 450, 260, 180, 86, pen.round(main)),
      rect(x - 100, 478, 200, 124, 60, pen.gradient("down", [0, hsl(202, 60, 74)], [1, lighter(second, -10)])),
      path(`M${x - 70} 500q60 -20 90 0l-60 60q-40 -20 -30 -60Z`, css(WHITE), 'opacity=".4"'),
    );
  pen.add(line("M486 530Q500 512 514 530", css(lighter(main, -12)), 22));
};
