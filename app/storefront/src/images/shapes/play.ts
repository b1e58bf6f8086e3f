import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, type Pen, rect } from "../pen";
import { type Colours, DARK, type Draw, METAL, WHITE } from "./common";

/** A sitting animal of plush; `ears` are drawn behind its head. */
function plush(pen: Pen, { main, second }: Colours, ears: string[], snout: string[]): void {
  const soft = pen.round(main);
  pen.shadow(500, FLOOR, 230);
  pen.add(...ears);
  for (const side of [-1, 1])
    pen.add(
      ellipse(500 + side * 150, 620, 56, 100, soft),
      ellipse(500 + side * 120, FLOOR - 44, 96, 56, soft),
      ellipse(500 + side * 140, FLOOR - 44, 44, 36, css(lighter(second, 14))),
    );
  pen.add(
    ellipse(500, 640, 160, 170, pen.round(lighter(main, 2))),
    ellipse(500, 660, 96, 116, css(lighter(main, 14))),
    ellipse(500, 420, 150, 136, pen.round(lighter(main, 4))),
    ...snout,
  );
  for (const x of [446, 554]) pen.add(ellipse(x, 400, 14, 16, css(DARK)), ellipse(x + 5, 395, 4, 5, css(WHITE)));
}

export const bear: Draw = (pen, colours) => {
  const { main, second } = colours;
  const size = pen.between(60, 80);
  const soft = pen.round(main);
  const ears = [-1, 1].flatMap((side) => [
    ellipse(500 + side * 96, 330 - size * 0.3, 50, size * 0.8, soft),
    ellipse(500 + side * 96, 330 - size * 0.3, 26, size * 0.5, css(lighter(second, 14))),
  ]);
  plush(pen, colours, ears, [
    ellipse(500, 464, 66, 50, css(lighter(main, 18))),
    ellipse(500, 444, 22, 16, css(DARK)),
    line("M500 460v22M476 492q24 16 48 0", css(DARK), 6),
  ]);
  pen.add(path("M420 536Q500 576 580 536V566Q500 606 420 566Z", css(second)));
};

export const rabbit: Draw = (pen, colours) => {
  const { main, second } = colours;
  const long = pen.between(150, 190);
  const ears = [-1, 1].flatMap((side) => [
    `<g transform="rotate(${side * 10} ${500 + side * 70} 330)">${ellipse(500 + side * 70, 330 - long * 0.7, 46, long, pen.round(main))}${ellipse(500 + side * 70, 330 - long * 0.7, 22, long * 0.72, css(lighter(second, 16)))}</g>`,
  ]);
  plush(pen, colours, ears, [
    ellipse(500, 464, 60, 44, css(lighter(main, 18))),
    path("M482 438h36l-18 22Z", css(hsl(352, 50, 62))),
    line("M500 460v20M480 488q20 12 40 0", css(DARK), 6),
  ]);
};

export const fox: Draw = (pen, colours) => {
  const { main, second } = colours;
  const high = pen.between(170, 210);
  const ears = [-1, 1].flatMap((side) => [
    path(`M${500 + side * 30} 330L${500 + side * 130} ${high}L${500 + side * 150} 400Z`, pen.round(lighter(main, -4))),
    path(`M${500 + side * 66} 320L${500 + side * 120} ${high + 60}L${500 + side * 130} 370Z`, css(lighter(second, 14))),
  ]);
  ears.push(path("M620 760C800 780 860 600 780 520C800 640 700 660 610 690Z", pen.round(main)));
  plush(pen, colours, ears, [
    path("M370 440Q440 470 500 550Q560 470 630 440Q600 556 500 560T370 440Z", css(WHITE)),
    ellipse(500, 530, 22, 16, css(DARK)),
  ]);
};

export const whale: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 320, 40);
  const back = pen.between(430, 470);
  pen.add(
    path(
      `M180 640C180 ${back - 40} 560 ${back - 60} 690 600Q760 660 800 540C720 520 740 430 740 430Q800 440 826 490Q860 430 930 430Q930 520 860 550C860 740 700 ${FLOOR} 460 ${FLOOR}C280 ${FLOOR} 180 740 180 640Z`,
      pen.round(main),
    ),
    path(`M196 690Q400 760 640 730Q560 ${FLOOR} 440 ${FLOOR}C300 ${FLOOR} 210 740 196 690Z`, css(lighter(main, 24))),
    path("M470 690Q520 760 480 790Q420 770 420 700Z", pen.round(lighter(main, -8))),
    ellipse(290, 620, 16, 18, css(DARK)),
    ellipse(296, 614, 5, 6, css(WHITE)),
    line(
      `M400 ${back - 10}Q390 ${back - 90} 340 ${back - 90}M400 ${back - 10}Q410 ${back - 90} 460 ${back - 90}`,
      css(lighter(second, 14)),
      16,
    ),
  );
};

export const train: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 380, 36);
  const y = FLOOR - 50;
  const tall = pen.between(180, 210);
  pen.add(
    line(`M110 ${FLOOR - 8}H890`, css(lighter(wood, -8)), 16),
    rect(150, y - 110, 270, 90, 14, pen.flat(second)),
    rect(170, y - 170, 90, 70, 10, pen.flat(wood)),
    rect(280, y - 150, 110, 50, 10, pen.flat(lighter(main, 8))),
    line(`M420 ${y - 44}H480`, css(DARK), 14),
    rect(480, y - 130, 350, 110, 30, pen.flat(main)),
    rect(480, y - tall - 40, 150, tall + 20, 16, pen.flat(lighter(main, -6))),
    rect(510, y - tall, 90, 70, 10, css(hsl(200, 40, 82))),
    rect(460, y - tall - 60, 190, 34, 14, pen.flat(second)),
    path(`M730 ${y - 130}L716 ${y - 230}H804L790 ${y - 130}Z`, pen.flat(lighter(second, -6))),
  );
  for (const x of [210, 360, 550, 670, 790])
    pen.add(ellipse(x, y, 44, 44, css(DARK)), ellipse(x, y, 20, 20, css(WHITE)));
};

export const swing: Draw = (pen, { main, second, wood }) => {
  const seat = pen.between(650, 700);
  pen.shadow(500, FLOOR + 30, 230, 30, 0.26);
  pen.add(
    rect(-40, 90, 1080, 54, 26, pen.gradient("down", [0, lighter(wood, 4)], [1, lighter(wood, -14)])),
    line(`M330 110V${seat}M670 110V${seat}`, css(lighter(second, 6)), 16),
    path(`M290 ${seat}H710L690 ${seat + 44}H310Z`, pen.round(main)),
    ellipse(330, seat + 12, 16, 10, css(METAL)),
    ellipse(670, seat + 12, 16, 10, css(METAL)),
  );
};

export const bucket: Draw = (pen, { main, second }) => {
  pen.shadow(520, FLOOR, 280, 40);
  const top = pen.between(500, 540);
  pen.add(
    line(`M300 ${top}C300 ${top - 200} 620 ${top - 200} 620 ${top}`, css(second), 18),
    ellipse(460, top, 170, 36, css(lighter(main, -16))),
    ellipse(460, top - 6, 150, 46, css(hsl(42, 56, 72))),
    path(
      `M290 ${top}Q460 ${top + 70} 630 ${top}L590 ${FLOOR - 10}Q460 ${FLOOR + 16} 330 ${FLOOR - 10}Z`,
      pen.round(main),
    ),
    `<g transform="rotate(16 760 640)">${rect(742, 380, 36, 260, 16, pen.round(second))}${rect(710, 366, 100, 34, 17, pen.round(second))}${path("M690 630H830V740Q760 830 690 740Z", pen.round(lighter(second, 6)))}</g>`,
  );
};

export const bone: Draw = (pen, { main, second }) => {
  pen.shadow(500, 690, 330, 60, 0.28);
  const turn = pen.between(-22, -10);
  const knobs = [-1, 1].flatMap((side) =>
    [-1, 1].map((up) => ellipse(500 + side * 250, 580 + up * 56, 82, 78, pen.round(main))),
  );
  pen.add(
    `<g transform="rotate(${turn.toFixed(0)} 500 580)">${knobs.join("")}${rect(270, 522, 460, 116, 50, pen.round(main))}${rect(440, 520, 36, 120, 0, css(second))}${rect(524, 520, 36, 120, 0, css(second))}</g>`,
  );
};

export const cattree: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR + 10, 290, 40);
  const high = pen.between(270, 310);
  const post = (x: number, top: number) => {
    pen.add(rect(x - 40, top, 80, FLOOR - top - 30, 10, pen.round(hsl(36, 40, 68))));
    for (let y = top + 16; y < FLOOR - 40; y += 22) pen.add(line(`M${x - 38} ${y}h76`, css(hsl(34, 34, 56)), 5));
  };
  post(400, high + 50);
  post(620, 540);
  pen.add(
    rect(260, high, 280, 60, 30, pen.round(main)),
    rect(510, 490, 240, 56, 28, pen.round(lighter(main, -6))),
    rect(240, FLOOR - 36, 520, 46, 16, pen.flat(wood)),
    line(`M690 546V640`, css(DARK), 5),
    ellipse(690, 660, 28, 28, pen.round(second)),
  );
};

export const feather: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, 720, 300, 60, 0.22);
  const sway = pen.between(-20, 20);
  pen.add(line("M180 800L560 270", css(wood), 22), line(`M560 270Q${690 + sway} 260 ${700 + sway} 420`, css(DARK), 6));
  for (const [turn, colour] of [
    [-24, main],
    [4, second],
    [30, lighter(main, 12)],
  ] as const)
    pen.add(
      `<g transform="rotate(${turn} ${700 + sway} 420)">${path(`M${700 + sway} 420q-70 120 0 270q70 -150 0 -270Z`, pen.round(colour))}${line(`M${700 + sway} 430v240`, css(lighter(colour, -16)), 5)}</g>`,
    );
  pen.add(ellipse(700 + sway, 420, 20, 20, css(METAL)));
};

export const hamsterwheel: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 230, 34);
  const r = pen.between(220, 245);
  const y = FLOOR - r - 30;
  pen.add(line(`M500 ${y}L340 ${FLOOR - 10}M500 ${y}L660 ${FLOOR - 10}`, css(lighter(second, -4)), 30));
  for (let at = 0; at < 16; at++) {
    const angle = (at * Math.PI) / 8;
    pen.add(line(`M500 ${y}L${500 + Math.cos(angle) * r} ${y + Math.sin(angle) * r}`, css(lighter(main, 12)), 5));
  }
  for (const [wide, colour] of [
    [r, main],
    [r - 34, lighter(main, 8)],
  ] as const)
    pen.add(
      `<ellipse cx="500" cy="${y.toFixed(0)}" rx="${wide.toFixed(0)}" ry="${wide.toFixed(0)}" fill="none" stroke="${css(colour)}" stroke-width="18"/>`,
    );
  pen.add(ellipse(500, y, 36, 36, pen.round(second)), rect(300, FLOOR - 26, 400, 26, 13, pen.flat(second)));
};
