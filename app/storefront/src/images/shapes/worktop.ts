import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { DARK, type Draw, legs, METAL, WARM, WHITE } from "./common";

const GLASS = hsl(200, 24, 82);
const ROAST = hsl(22, 40, 20);

export const cutlery: Draw = (pen, { main }) => {
  pen.shadow(500, 620, 260, 200, 0.18);
  const low = pen.between(780, 830);
  const steel = pen.round(lighter(METAL, 8));
  const handle = (x: number) => rect(x - 22, 520, 44, low - 520, 22, pen.round(main));
  pen.add(
    [-36, 0, 36].map((x) => line(`M350 430V390L${350 + x} 370V220`, css(lighter(METAL, 4)), 18)).join(""),
    rect(338, 420, 24, 120, 8, steel),
    handle(350),
    path("M486 200Q556 260 540 470H486Z", steel),
    rect(488, 460, 26, 80, 6, steel),
    handle(500),
    ellipse(650, 300, 58, 96, steel),
    rect(638, 380, 24, 160, 8, steel),
    handle(650),
  );
};

export const rollingpin: Draw = (pen, { main, wood }) => {
  pen.shadow(500, 640, 360, 70, 0.26);
  const r = pen.between(66, 84);
  pen.add(
    `<g transform="rotate(-18 500 560)">${rect(110, 532, 780, 56, 28, pen.gradient("down", [0, lighter(main, 8)], [1, lighter(main, -14)]))}${rect(250, 560 - r, 500, r * 2, 26, pen.gradient("down", [0, lighter(wood, 12)], [0.5, wood], [1, lighter(wood, -14)]))}${line(`M280 ${560 - r * 0.4}H720M280 ${560 + r * 0.3}H720`, css(lighter(wood, -6)), 4)}</g>`,
  );
};

export const tin: Draw = (pen, { main, second }) => {
  const tall = pen.between(130, 180);
  const top = FLOOR - tall;
  pen.shadow(500, FLOOR, 320, 40);
  pen.add(
    path(`M180 ${top}H820L770 ${FLOOR}H230Z`, pen.round(main)),
    path(`M200 ${top}Q350 ${top - 120} 500 ${top - 90}T800 ${top}Z`, pen.round(hsl(32, 50, 56))),
    rect(160, top - 14, 680, 34, 16, pen.flat(lighter(main, 8))),
    line(`M330 ${top - 54}l40 30M470 ${top - 76}l40 30M610 ${top - 66}l40 30`, css(lighter(second, 6)), 10),
  );
};

export const cakestand: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 190, 30);
  const top = pen.between(540, 580);
  pen.add(
    path(`M466 ${top}H534L560 ${FLOOR - 20}H440Z`, pen.round(main)),
    ellipse(500, FLOOR - 18, 150, 26, pen.round(main)),
    ellipse(500, top, 310, 46, pen.round(lighter(main, -4))),
    ellipse(500, top - 10, 296, 40, css(lighter(main, 8))),
    path(`M330 ${top - 150}V${top - 20}Q500 ${top + 30} 670 ${top - 20}V${top - 150}Z`, pen.round(hsl(32, 54, 66))),
    ellipse(500, top - 150, 170, 40, css(lighter(second, 22))),
    ellipse(500, top - 172, 26, 26, css(hsl(352, 62, 46))),
  );
};

export const grinder: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 200, 34);
  const top = pen.between(420, 450);
  pen.add(
    line(`M500 ${top - 60}V${top - 120}L690 ${top - 140}`, css(METAL), 22),
    ellipse(700, top - 156, 34, 40, pen.round(wood)),
    path(`M370 ${top}Q390 ${top - 100} 500 ${top - 100}T630 ${top}Z`, pen.round(METAL)),
    rect(350, top, 300, FLOOR - top - 30, 20, pen.round(main)),
    rect(390, FLOOR - 170, 220, 110, 12, pen.flat(wood)),
    ellipse(500, FLOOR - 115, 16, 16, css(second)),
    rect(320, FLOOR - 36, 360, 36, 12, pen.flat(lighter(main, -14))),
  );
};

export const frenchpress: Draw = (pen, { main }) => {
  pen.shadow(500, FLOOR, 190, 34);
  const level = pen.between(480, 540);
  pen.add(
    line("M640 400C760 400 760 700 640 720", css(lighter(main, -6)), 34),
    rect(494, 200, 12, 200, 4, css(METAL)),
    ellipse(500, 196, 30, 26, pen.round(main)),
    rect(360, 350, 280, FLOOR - 360, 20, pen.round(GLASS), 'opacity=".75"'),
    rect(370, level, 260, FLOOR - level - 20, 14, pen.round(ROAST)),
    rect(350, 330, 300, 60, 24, pen.round(main)),
    ...[430, FLOOR - 50].map((y) => rect(350, y, 300, 34, 10, pen.round(METAL))),
    rect(356, 440, 18, FLOOR - 450, 6, css(METAL)),
    rect(626, 440, 18, FLOOR - 450, 6, css(METAL)),
  );
};

export const mokapot: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 190, 34);
  const waist = pen.between(560, 600);
  pen.add(
    line(`M620 ${waist - 200}L740 ${waist - 170}L716 ${waist + 20}`, css(DARK), 40),
    path(`M390 ${waist}L352 ${FLOOR}H648L610 ${waist}Z`, pen.round(lighter(main, -4))),
    path(`M400 ${waist - 20}L360 ${waist - 230}L330 ${waist - 260}H640L600 ${waist - 20}Z`, pen.round(main)),
    rect(380, waist - 30, 240, 50, 12, pen.round(METAL)),
    path(`M360 ${waist - 256}L500 ${waist - 320}L640 ${waist - 256}Z`, pen.round(lighter(main, 6))),
    ellipse(500, waist - 330, 24, 26, css(DARK)),
    line(`M462 ${waist}L440 ${FLOOR}M538 ${waist}L560 ${FLOOR}`, css(lighter(main, -12)), 5),
    ellipse(560, FLOOR - 120, 14, 14, css(second)),
  );
};

export const blender: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 180, 34);
  const mix = pen.between(400, 460);
  pen.add(
    line("M610 320C730 320 730 540 610 560", css(lighter(DARK, 6)), 30),
    path(`M370 260H630L590 600H410Z`, pen.round(GLASS), 'opacity=".75"'),
    path(
      `M${370 + (mix - 260) * 0.12} ${mix}H${630 - (mix - 260) * 0.12}L588 596H412Z`,
      pen.round(lighter(second, 6)),
      'opacity=".9"',
    ),
    rect(360, 226, 280, 44, 18, pen.round(main)),
    rect(460, 196, 80, 40, 14, pen.round(main)),
    path(`M400 600H600L650 ${FLOOR}H350Z`, pen.round(main)),
    ellipse(500, 710, 44, 44, pen.round(METAL)),
    rect(496, 676, 8, 34, 4, css(DARK)),
  );
};

export const handmixer: Draw = (pen, { main, second }) => {
  pen.shadow(470, FLOOR, 160, 30);
  const low = FLOOR - pen.between(10, 40);
  pen.add(
    ...[400, 500].flatMap((x) => [
      line(`M${x} 500V${low - 170}`, css(METAL), 14),
      `<ellipse cx="${x}" cy="${(low - 90).toFixed(0)}" rx="40" ry="88" fill="none" stroke="${css(METAL)}" stroke-width="10"/>`,
      line(`M${x} ${low - 170}V${low - 4}`, css(lighter(METAL, -10)), 8),
    ]),
    line("M400 330C420 200 700 200 740 320L730 400", css(lighter(main, -6)), 52),
    rect(310, 370, 460, 150, 70, pen.round(main)),
    rect(560, 410, 130, 24, 12, css(second)),
    ellipse(380, 445, 30, 30, pen.round(METAL)),
  );
};

export const airfryer: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 220, 36);
  const top = pen.between(330, 390);
  pen.add(
    path(
      `M300 ${top + 110}Q310 ${top} 500 ${top}T700 ${top + 110}V${FLOOR - 60}Q700 ${FLOOR} 640 ${FLOOR}H360Q300 ${FLOOR} 300 ${FLOOR - 60}Z`,
      pen.round(main),
    ),
    line(`M308 ${FLOOR - 230}H692`, css(lighter(main, -18)), 6),
    rect(340, FLOOR - 200, 320, 160, 26, pen.flat(lighter(main, -6))),
    rect(464, FLOOR - 170, 72, 100, 22, pen.flat(DARK)),
    rect(400, top + 50, 200, 90, 24, css(DARK)),
    rect(430, top + 84, 90, 18, 9, css(second)),
  );
};

export const wineglass: Draw = (pen, { main, second }) => {
  for (const x of [400, 600]) {
    pen.shadow(x, FLOOR, 90);
    const top = 380;
    const level = top + pen.between(90, 130);
    pen.add(
      rect(x - 7, top + 230, 14, FLOOR - top - 240, 6, css(lighter(main, 16)), 'opacity=".75"'),
      ellipse(x, FLOOR - 4, 76, 14, css(lighter(main, 18)), 'opacity=".8"'),
      path(
        `M${x - 84} ${top}C${x - 100} ${top + 190} ${x - 40} ${top + 230} ${x} ${top + 236}C${x + 40} ${top + 230} ${x + 100} ${top + 190} ${x + 84} ${top}Z`,
        pen.round(lighter(main, 14)),
        'opacity=".62"',
      ),
      path(
        `M${x - 88} ${level}C${x - 80} ${top + 200} ${x - 36} ${top + 226} ${x} ${top + 228}C${x + 36} ${top + 226} ${x + 80} ${top + 200} ${x + 88} ${level}Z`,
        css(second),
        'opacity=".8"',
      ),
    );
  }
};

export const carafe: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 180, 34);
  const wide = pen.between(150, 180);
  const level = FLOOR - 200;
  pen.add(
    path(
      `M450 250H550L540 470C${500 + wide} 540 ${500 + wide} 640 ${500 + wide - 10} ${FLOOR - 40}Q${500 + wide - 20} ${FLOOR} ${500 + wide - 60} ${FLOOR}H${500 - wide + 60}Q${500 - wide + 20} ${FLOOR} ${500 - wide + 10} ${FLOOR - 40}C${500 - wide} 640 ${500 - wide} 540 460 470Z`,
      pen.round(lighter(main, 16)),
      'opacity=".66"',
    ),
    path(
      `M${500 - wide + 6} ${level}H${500 + wide - 6}L${500 + wide - 16} ${FLOOR - 40}Q${500 + wide - 24} ${FLOOR - 8} ${500 + wide - 60} ${FLOOR - 8}H${500 - wide + 60}Q${500 - wide + 24} ${FLOOR - 8} ${500 - wide + 16} ${FLOOR - 40}Z`,
      css(second),
      'opacity=".75"',
    ),
    ellipse(500, 228, 46, 50, pen.round(lighter(main, 6))),
    rect(440, 244, 120, 20, 10, css(lighter(main, 20))),
  );
};

export const scale: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 280, 40);
  const tall = pen.between(60, 90);
  pen.add(
    rect(230, FLOOR - tall, 540, tall, 26, pen.flat(main)),
    rect(390, FLOOR - tall + 14, 220, tall - 28, 10, css(DARK)),
    rect(430, FLOOR - tall + 26, 140, 10, 5, css(second)),
    ellipse(500, FLOOR - tall - 6, 250, 26, css(lighter(METAL, 10))),
    path(
      `M300 ${FLOOR - tall - 160}H700Q690 ${FLOOR - tall - 14} 500 ${FLOOR - tall - 14}T300 ${FLOOR - tall - 160}Z`,
      pen.round(GLASS),
      'opacity=".85"',
    ),
  );
};

export const soap: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 300, 40);
  const tall = pen.between(110, 140);
  pen.add(
    rect(220, FLOOR - 40, 560, 40, 16, pen.flat(wood)),
    rect(280, FLOOR - 40 - tall, 440, tall, 56, pen.round(lighter(main, 6))),
    path(
      `M300 ${FLOOR - 20 - tall}Q500 ${FLOOR - 80 - tall} 700 ${FLOOR - 20 - tall}Q500 ${FLOOR - 10 - tall} 300 ${FLOOR - 20 - tall}Z`,
      css(lighter(main, 16)),
    ),
    rect(440, FLOOR - 46 - tall / 2, 120, 22, 11, css(lighter(second, 4))),
    ellipse(640, FLOOR - tall - 100, 34, 34, css(WHITE), 'opacity=".6"'),
    ellipse(690, FLOOR - tall - 160, 20, 20, css(WHITE), 'opacity=".6"'),
  );
};

export const razor: Draw = (pen, { main, second }) => {
  pen.shadow(500, 680, 240, 70, 0.22);
  pen.add(
    `<g transform="rotate(${pen.between(24, 36).toFixed(0)} 500 500)">${rect(472, 300, 56, 540, 28, pen.round(main))}${rect(478, 560, 44, 120, 0, pen.round(lighter(second, 4)))}${rect(360, 200, 280, 70, 22, pen.round(METAL))}${rect(376, 262, 248, 26, 8, css(lighter(METAL, 16)))}${rect(484, 270, 32, 60, 6, pen.round(METAL))}</g>`,
  );
};

export const shavingbrush: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 150, 30);
  const wide = pen.between(120, 150);
  pen.add(
    path(`M430 560L${500 - wide} 330Q500 ${240} ${500 + wide} 330L570 560Z`, pen.round(hsl(36, 30, 80))),
    ...[-60, -30, 0, 30, 60].map((x) => line(`M${500 + x * 0.8} 550L${500 + x * 1.6} 310`, css(hsl(30, 24, 60)), 5)),
    rect(424, 540, 152, 40, 12, pen.round(METAL)),
    path(`M430 580H570Q620 640 580 690T620 ${FLOOR}H380Q380 740 420 690T430 580Z`, pen.round(main)),
    ellipse(500, 700, 60, 10, css(second)),
  );
};

export const bedding: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 330, 44);
  const tall = pen.between(84, 100);
  for (const [at, colour] of [
    [0, lighter(main, -4)],
    [1, main],
    [2, lighter(main, 6)],
  ] as const) {
    const y = FLOOR - tall * (at + 1);
    pen.add(
      rect(220, y, 560, tall - 6, tall / 2, pen.gradient("down", [0, lighter(colour, 8)], [1, lighter(colour, -10)])),
      line(`M760 ${y + tall / 2}H330`, css(lighter(colour, -14)), 5),
    );
  }
  pen.add(
    rect(440, FLOOR - tall * 3 - 6, 120, tall * 3 + 2, 8, pen.round(lighter(second, 10))),
    rect(462, FLOOR - tall * 1.8, 76, 50, 6, css(WHITE)),
  );
};

export const armchair: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 290, 44);
  legs(
    pen,
    [
      [350, 330],
      [650, 670],
    ],
    690,
    wood,
  );
  const top = pen.between(330, 380);
  pen.add(
    rect(310, top, 380, 320, 70, pen.round(main)),
    rect(330, 560, 340, 110, 36, pen.round(lighter(main, 7))),
    rect(250, 500, 110, 210, 50, pen.round(lighter(main, -5))),
    rect(640, 500, 110, 210, 50, pen.round(lighter(main, -9))),
    `<g transform="rotate(-8 500 500)">${rect(430, top + 90, 150, 130, 26, pen.round(second))}</g>`,
  );
};

export const rockingchair: Draw = (pen, { main, wood }) => {
  pen.shadow(500, FLOOR + 4, 290, 36);
  const top = pen.between(270, 320);
  pen.add(
    line(`M250 ${FLOOR - 70}Q480 ${FLOOR + 70} 770 ${FLOOR - 50}`, css(wood), 26),
    line(`M370 590L350 ${FLOOR - 24}M640 590L650 ${FLOOR - 10}`, css(lighter(wood, -6)), 26),
    line(`M360 600L290 ${top}`, css(wood), 28),
    line(`M600 480H360`, css(wood), 22),
    line(`M600 480L630 590`, css(wood), 22),
    line(`M340 570L${280} ${top + 30}`, css(main), 56),
    rect(336, 566, 330, 56, 26, pen.round(main)),
  );
};

export const floorlamp: Draw = (pen, { main, second }) => {
  const wide = pen.between(110, 140);
  pen.shadow(500, FLOOR + 40, 150);
  pen.add(
    ellipse(500, 330, 380, 330, pen.gradient("glow", [0, WARM, 0.55], [1, WARM, 0])),
    rect(490, 260, 20, FLOOR - 230, 8, pen.round(METAL)),
    ellipse(500, FLOOR + 32, 130, 24, pen.round(second)),
    path(
      `M${500 - wide * 0.7} 120H${500 + wide * 0.7}L${500 + wide} 300Q500 324 ${500 - wide} 300Z`,
      pen.round(lighter(main, 8)),
    ),
    path(`M${500 - wide} 300Q500 324 ${500 + wide} 300Q500 286 ${500 - wide} 300Z`, css(WARM)),
  );
};

export const coatrack: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR + 20, 190, 34);
  const top = pen.between(130, 170);
  pen.add(
    line(`M500 700L360 ${FLOOR + 16}M500 700L640 ${FLOOR + 16}M500 700V${FLOOR + 24}`, css(lighter(wood, -6)), 24),
    rect(486, top, 28, 600, 12, pen.round(wood)),
    ...[0, 90].flatMap((down) =>
      [-1, 1].map((side) =>
        line(
          `M500 ${top + 90 + down}Q${500 + side * 90} ${top + 90 + down} ${500 + side * 110} ${top + 20 + down}`,
          css(wood),
          18,
        ),
      ),
    ),
    path(
      `M604 ${top + 40}Q720 ${top + 180} 690 ${top + 430}Q640 ${top + 450} 580 ${top + 430}Q560 ${top + 180} 604 ${top + 40}Z`,
      pen.round(main),
    ),
    line(`M612 ${top + 40}Q590 ${top + 120} 640 ${top + 260}`, css(second), 16),
  );
};

export const earbuds: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 220, 36);
  const top = pen.between(600, 630);
  for (const side of [-1, 1])
    pen.add(
      `<g transform="rotate(${side * 12} ${500 + side * 90} 420)">${rect(500 + side * 90 - 20, 400, 40, 170, 20, pen.round(lighter(main, 6)))}${ellipse(500 + side * 90, 390, 62, 56, pen.round(main))}${ellipse(500 + side * 66, 396, 26, 30, css(DARK))}</g>`,
    );
  pen.add(
    rect(300, top, 400, FLOOR - top, 80, pen.round(lighter(main, -4))),
    line(`M304 ${top + 66}H696`, css(lighter(main, -18)), 6),
    ellipse(500, top + 106, 12, 12, css(second)),
  );
};

export const mouse: Draw = (pen, { main, second }) => {
  pen.shadow(500, 660, 210, 150, 0.28);
  const wide = pen.between(140, 165);
  pen.add(
    path(
      `M${500 - wide} 500C${500 - wide} 320 ${500 + wide} 320 ${500 + wide} 500V620C${500 + wide} 800 ${500 - wide} 800 ${500 - wide} 620Z`,
      pen.round(main),
    ),
    line(`M500 366V520M${500 - wide + 4} 520Q500 560 ${500 + wide - 4} 520`, css(lighter(main, -16)), 6),
    rect(482, 410, 36, 84, 18, pen.round(second)),
  );
};

export const charger: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 190, 34);
  const tall = pen.between(220, 260);
  pen.add(
    ...[440, 540].map((x) => rect(x, FLOOR - tall - 110, 20, 120, 8, css(METAL))),
    rect(360, FLOOR - tall, 280, tall, 60, pen.round(main)),
    rect(400, FLOOR - tall - 14, 200, 30, 14, css(lighter(main, -10))),
    rect(440, FLOOR - 120, 120, 30, 15, css(DARK)),
    rect(456, FLOOR - 112, 88, 14, 7, css(second)),
  );
};

export const tripod: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 230, 30);
  const apart = pen.between(170, 210);
  pen.add(
    line(
      `M500 430L${500 - apart} ${FLOOR - 6}M500 430L${500 + apart} ${FLOOR - 6}M500 430L520 ${FLOOR - 20}`,
      css(main),
      26,
    ),
    line(
      `M500 430L${500 - apart * 0.5} ${(430 + FLOOR) / 2}M500 430L${500 + apart * 0.5} ${(430 + FLOOR) / 2}`,
      css(lighter(main, 8)),
      36,
    ),
    rect(486, 290, 28, 170, 10, pen.round(METAL)),
    rect(450, 420, 100, 50, 18, pen.round(second)),
    rect(430, 250, 140, 36, 12, pen.round(DARK)),
    line("M570 268L690 330", css(DARK), 18),
  );
};

export const webcam: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 190, 32);
  const r = pen.between(120, 145);
  pen.add(
    path(`M470 600H530L560 ${FLOOR - 30}H440Z`, pen.round(METAL)),
    rect(360, FLOOR - 34, 280, 34, 16, pen.flat(DARK)),
    rect(270, 500 - r, 460, r * 2, r, pen.round(main)),
    ellipse(500, 500, r * 0.74, r * 0.74, css(DARK)),
    ellipse(500, 500, r * 0.5, r * 0.5, pen.gradient("glow", [0, hsl(220, 40, 40)], [1, DARK])),
    ellipse(478, 476, 14, 16, css(WHITE), 'opacity=".6"'),
    ellipse(670, 500, 10, 10, css(second)),
  );
};

export const soundbar: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 400, 34);
  const tall = pen.between(110, 140);
  pen.add(rect(110, FLOOR - tall, 780, tall, 40, pen.gradient("down", [0, lighter(main, 8)], [1, lighter(main, -12)])));
  for (let x = 160; x < 850; x += 26)
    for (const y of [0.3, 0.5, 0.7]) pen.add(ellipse(x, FLOOR - tall + tall * y, 6, 6, css(lighter(main, -16))));
  pen.add(rect(440, FLOOR - tall + 6, 120, 14, 7, css(second)));
};

/** For what has no drawing of its own: it says that something comes, and nothing of what it looks like. */
export const parcel: Draw = (pen, { main, second, wood }) => {
  pen.shadow(520, FLOOR, 290, 40);
  const tall = pen.between(300, 350);
  const top = FLOOR - tall;
  const card = lighter(wood, 8);
  pen.add(
    path(`M270 ${top}l70 -70h440l-70 70Z`, css(lighter(card, 10))),
    path(`M710 ${top}l70 -70V${FLOOR - 66}L710 ${FLOOR}Z`, css(lighter(card, -14))),
    rect(270, top, 440, tall, 0, pen.flat(card)),
    rect(450, top, 80, tall, 0, pen.flat(main)),
    path(`M450 ${top}l70 -70h80l-70 70Z`, css(lighter(main, 8))),
    rect(310, FLOOR - 120, 110, 70, 8, css(WHITE)),
    rect(326, FLOOR - 100, 70, 10, 5, css(second)),
    rect(326, FLOOR - 78, 50, 8, 4, css(METAL)),
  );
};
