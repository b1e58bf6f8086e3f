import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { type Draw, legs, METAL, WARM } from "./common";

export const lamp: Draw = (pen, { main, second }) => {
  const height = pen.between(400, 500);
  const top = FLOOR - height;
  const wide = pen.between(150, 190);
  const narrow = wide * pen.between(0.45, 0.85);
  const shade = pen.between(170, 220);
  pen.shadow(500, FLOOR, 150);
  pen.add(ellipse(500, top + shade, 420, 400, pen.gradient("glow", [0, WARM, 0.55], [1, WARM, 0])));
  const foot = pen.random() < 0.5;
  if (foot) {
    pen.add(
      rect(488, top + shade - 20, 24, height - shade, 8, pen.round(METAL)),
      ellipse(500, FLOOR - 8, 118, 20, pen.round(second)),
    );
    pen.add(rect(382, FLOOR - 26, 236, 18, 9, pen.round(second)));
  } else {
    const belly = pen.between(75, 110);
    const neck = top + shade + 20;
    pen.add(
      path(
        `M478 ${neck}C478 ${neck + 70} ${500 - belly} ${neck + 60} ${500 - belly} ${FLOOR - 90}Q${500 - belly} ${FLOOR} 460 ${FLOOR}H540Q${500 + belly} ${FLOOR} ${500 + belly} ${FLOOR - 90}C${500 + belly} ${neck + 60} 522 ${neck + 70} 522 ${neck}Z`,
        pen.round(second),
      ),
    );
    pen.add(rect(487, top + shade - 10, 26, 44, 6, pen.round(METAL)));
  }
  pen.add(
    path(
      `M${500 - narrow} ${top}H${500 + narrow}L${500 + wide} ${top + shade}Q500 ${top + shade + 26} ${500 - wide} ${top + shade}Z`,
      pen.round(lighter(main, 8)),
    ),
  );
  pen.add(
    path(
      `M${500 - wide} ${top + shade}Q500 ${top + shade + 26} ${500 + wide} ${top + shade}Q500 ${top + shade - 14} ${500 - wide} ${top + shade}Z`,
      css(WARM),
    ),
  );
  pen.add(
    ellipse(500, top + shade * 0.62, wide * 0.7, shade * 0.5, pen.gradient("glow", [0, WARM, 0.5], [1, WARM, 0])),
  );
};

export const pendant: Draw = (pen, { main, second }) => {
  const top = pen.between(280, 340);
  const wide = pen.between(180, 250);
  const deep = pen.between(150, 260);
  pen.add(ellipse(500, top + deep, 430, 330, pen.gradient("glow", [0, WARM, 0.6], [1, WARM, 0])));
  pen.add(line(`M500 0V${top - 40}`, css(hsl(24, 10, 24)), 8), rect(474, top - 52, 52, 64, 12, pen.round(second)));
  const dome = pen.random() < 0.6;
  const side = dome
    ? `C${500 - wide * 0.6} ${top} ${500 - wide} ${top + deep * 0.35} ${500 - wide} ${top + deep}`
    : `L${500 - wide} ${top + deep}`;
  const back = dome ? `C${500 + wide} ${top + deep * 0.35} ${500 + wide * 0.6} ${top} 530 ${top}` : `L530 ${top}`;
  pen.add(path(`M470 ${top}${side}H${500 + wide}${back}Z`, pen.round(main)));
  pen.add(
    ellipse(500, top + deep, wide, wide * 0.13, css(lighter(WARM, 6))),
    ellipse(500, top + deep + 4, 46, 28, css(hsl(45, 100, 94))),
  );
  pen.shadow(500, FLOOR + 40, 220, 30, 0.16);
};

export const chair: Draw = (pen, { main, wood }) => {
  const back = pen.between(250, 310);
  const round = pen.between(24, 90);
  const slats = pen.random() < 0.4;
  pen.shadow(500, FLOOR, 210);
  legs(
    pen,
    [
      [400, 372],
      [600, 628],
      [430, 424],
      [570, 576],
    ],
    590,
    wood,
  );
  if (slats) {
    for (const x of [370, 435, 500, 565, 630])
      pen.add(line(`M${x} ${back + 30}L${500 + (x - 500) * 0.92} 560`, css(wood), 20));
    pen.add(rect(340, back, 320, 56, 28, pen.flat(wood)));
  } else {
    pen.add(
      line("M396 420L404 590M604 420L596 590", css(lighter(wood, -4)), 22),
      rect(348, back, 304, 200, round, pen.round(main)),
    );
  }
  pen.add(
    rect(340, 556, 320, 62, 30, pen.round(lighter(main, -3))),
    rect(352, 556, 296, 26, 13, css(lighter(main, 8)), 'opacity=".55"'),
  );
};

export const stool: Draw = (pen, { main, wood }) => {
  const top = pen.between(430, 520);
  pen.shadow(500, FLOOR, 190);
  legs(
    pen,
    [
      [420, 366],
      [500, 500],
      [580, 634],
    ],
    top,
    wood,
    26,
  );
  if (pen.random() < 0.6) pen.add(line(`M${392} ${FLOOR - 110}H${608}`, css(lighter(wood, -5)), 16));
  const padded = pen.random() < 0.5;
  pen.add(
    rect(340, top - 20, 320, padded ? 70 : 40, 30, pen.round(padded ? main : wood)),
    ellipse(500, top - 14, 160, 34, css(lighter(padded ? main : wood, 8))),
  );
};

export const sofa: Draw = (pen, { main, second, wood }) => {
  const arm = pen.between(60, 90);
  const back = pen.between(400, 450);
  const seats = pen.random() < 0.5 ? 2 : 3;
  pen.shadow(500, FLOOR - 10, 400, 44);
  legs(
    pen,
    [
      [220, 206],
      [780, 794],
    ],
    740,
    wood,
    26,
  );
  pen.add(rect(170, back, 660, 300, 56, pen.flat(lighter(main, -5))));
  const room = 660 - arm * 2;
  for (let seat = 0; seat < seats; seat++) {
    const x = 170 + arm + (room / seats) * seat;
    pen.add(
      rect(x + 4, back + 30, room / seats - 8, 190, 34, pen.round(main)),
      rect(x + 4, back + 178, room / seats - 8, 92, 28, pen.flat(lighter(main, 5))),
    );
  }
  pen.add(
    rect(150, back + 90, arm + 20, 240, 42, pen.round(main)),
    rect(830 - arm, back + 90, arm + 20, 240, 42, pen.round(main)),
    rect(172, back + 262, 656, 66, 22, pen.flat(lighter(main, -8))),
  );
  pen.add(`<g transform="rotate(-9 330 ${back + 120})">${rect(262, back + 64, 136, 128, 30, pen.flat(second))}</g>`);
};

export const table: Draw = (pen, { main, wood, second }) => {
  const top = pen.between(470, 560);
  const wide = pen.between(250, 330);
  const pillar = pen.random() < 0.4;
  pen.shadow(500, FLOOR, wide * 0.8, 40);
  if (pillar)
    pen.add(
      path(`M450 ${top}L410 ${FLOOR}H590L550 ${top}Z`, pen.round(main)),
      ellipse(500, FLOOR - 2, 120, 20, pen.round(lighter(main, -6))),
    );
  else
    legs(
      pen,
      [
        [500 - wide * 0.72, 500 - wide * 0.82],
        [500 + wide * 0.72, 500 + wide * 0.82],
        [500 - wide * 0.3, 500 - wide * 0.36],
        [500 + wide * 0.3, 500 + wide * 0.36],
      ],
      top,
      wood,
    );
  pen.add(
    rect(500 - wide, top - 16, wide * 2, 40, 20, pen.round(lighter(wood, -5))),
    ellipse(500, top - 12, wide, wide * 0.17, pen.flat(lighter(wood, 6))),
  );
  pen.add(
    path(`M${540} ${top - 22}q-4 -70 30 -70t30 70q-30 12 -60 0Z`, pen.round(second)),
    ellipse(430, top - 22, 56, 14, css(lighter(second, 16))),
  );
};
