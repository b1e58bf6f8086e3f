import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { DARK, type Draw, METAL, WARM, WHITE } from "./common";

const ring = (x: number, y: number, rx: number, ry: number, colour: string, width: number): string =>
  `<ellipse cx="${x.toFixed(0)}" cy="${y.toFixed(0)}" rx="${rx.toFixed(0)}" ry="${ry.toFixed(0)}" fill="none" stroke="${colour}" stroke-width="${width.toFixed(0)}"/>`;

/** A wheel that stands on the table, with its spokes. */
function wheel(x: number, r: number, spokes: number): string {
  const y = FLOOR - r;
  const lines = Array.from({ length: spokes }, (_, at) => {
    const angle = (at * Math.PI) / spokes;
    const [dx, dy] = [Math.cos(angle) * r, Math.sin(angle) * r];
    return line(`M${x - dx} ${y - dy}L${x + dx} ${y + dy}`, css(METAL), 4);
  });
  return lines.join("") + ring(x, y, r - 10, r - 10, css(DARK), 20) + ellipse(x, y, 16, 16, css(METAL));
}

export const scooter: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 320, 36);
  const bar = pen.between(250, 310);
  pen.add(
    wheel(270, 56, 3),
    wheel(740, 56, 3),
    line(`M300 ${FLOOR - 66}H650L620 ${FLOOR - 66}`, css(main), 44),
    line(`M740 ${FLOOR - 56}L660 ${bar}`, css(lighter(main, -6)), 30),
    line(`M580 ${bar + 14}L730 ${bar - 14}`, css(second), 34),
    line(`M640 ${FLOOR - 74}L716 ${FLOOR - 150}`, css(main), 26),
  );
};

export const bike: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 340, 36);
  const r = pen.between(118, 132);
  const y = FLOOR - r;
  pen.add(
    wheel(300, r, 6),
    wheel(710, r, 6),
    line(`M300 ${y}L400 510L620 ${y - 120}L430 ${y}Z`, css(main), 30),
    line(`M710 ${y}L620 420`, css(lighter(main, -6)), 30),
    line(`M400 510V470`, css(METAL), 22),
    line(`M340 456H460`, css(second), 44),
    line(`M560 430L690 400`, css(second), 30),
  );
};

export const dumbbell: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 320, 50);
  const heavy = pen.between(96, 116);
  for (const [y, shift] of [
    [FLOOR - 200, 46],
    [FLOOR - 100, -20],
  ] as const) {
    pen.add(rect(330 + shift, y - 20, 340, 40, 20, pen.gradient("down", [0, lighter(METAL, 12)], [1, METAL])));
    for (const x of [260, 320, 620, 680])
      pen.add(
        rect(
          x + shift,
          y - heavy * (x === 320 || x === 620 ? 1 : 0.78),
          58,
          heavy * 2 * (x === 320 || x === 620 ? 1 : 0.78),
          20,
          pen.gradient("down", [0, lighter(main, 10)], [0.5, main], [1, lighter(main, -14)]),
        ),
      );
    pen.add(rect(440 + shift, y - 24, 120, 48, 14, css(second)));
  }
};

export const bricks: Draw = (pen, { main, second }) => {
  pen.shadow(510, FLOOR, 300, 44);
  const tall = pen.between(150, 180);
  for (const [x, y, colour] of [
    [270, FLOOR - tall, main],
    [330, FLOOR - tall * 2, lighter(second, 4)],
  ] as const)
    pen.add(
      path(`M${x} ${y}l60 -44h380l-40 44Z`, css(lighter(colour, 10))),
      path(`M${x + 400} ${y}l40 -44v${tall}l-40 44Z`, css(lighter(colour, -14))),
      rect(x, y, 400, tall, 14, pen.flat(colour)),
    );
};

export const rope: Draw = (pen, { main, second }) => {
  pen.shadow(500, 700, 260, 60, 0.26);
  const turns = 3 + Math.floor(pen.random() * 3);
  const width = pen.between(24, 34);
  for (let turn = 0; turn < turns; turn++) {
    const r = 130 + turn * (width + 4);
    pen.add(ring(500, 540, r, r * 0.86, css(lighter(main, turn % 2 ? -6 : 4)), width));
    pen.add(
      `<ellipse cx="500" cy="540" rx="${r}" ry="${(r * 0.86).toFixed(0)}" fill="none" stroke="${css(second)}" stroke-width="${(width * 0.36).toFixed(0)}" stroke-dasharray="16 34"/>`,
    );
  }
  const out = 130 + (turns - 1) * (width + 4);
  pen.add(
    line(`M${500 + out} 540Q${500 + out} 740 640 ${FLOOR}`, css(main), width),
    rect(500 - 36, 540 - out * 0.86 - 22, 72, turns * (width + 4) + 30, 12, pen.round(lighter(main, -12))),
  );
};

export const stringlights: Draw = (pen, { main }) => {
  pen.add(line("M60 300Q500 620 940 300M60 560Q500 860 940 560", css(DARK), 9));
  const warm = pen.between(0, 40);
  for (const [from, deep] of [
    [300, 160],
    [560, 150],
  ] as const)
    for (let at = 0.08; at < 1; at += 0.14) {
      const x = 60 + 880 * at;
      const y = from + deep * 4 * at * (1 - at) + 20;
      pen.add(
        ellipse(x, y + 34, 90, 90, pen.gradient("glow", [0, hsl(42, 90, 82 - warm / 10), 0.7], [1, WARM, 0])),
        rect(x - 14, y - 14, 28, 36, 6, css(main)),
        ellipse(x, y + 42, 24, 30, css(WARM)),
      );
    }
};

export const poles: Draw = (pen, { main, second }) => {
  pen.shadow(500, 690, 300, 70, 0.2);
  const turn = pen.between(22, 32);
  for (const [x, angle] of [
    [430, turn],
    [560, turn + 9],
  ] as const)
    pen.add(
      `<g transform="rotate(${angle.toFixed(0)} 500 500)">${rect(x - 11, 240, 22, 590, 10, pen.round(METAL))}${rect(x - 14, 400, 28, 150, 8, pen.round(main))}${rect(x - 22, 120, 44, 150, 20, pen.round(DARK))}${ring(x, 150, 46, 60, css(second), 12)}${ellipse(x, 780, 44, 12, css(second))}</g>`,
    );
};

export const pump: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 220, 34);
  const top = pen.between(250, 300);
  pen.add(
    line(`M560 ${FLOOR - 60}C760 ${FLOOR - 60} 780 460 640 430S520 520 560 600`, css(DARK), 20),
    rect(492, top, 16, 260, 8, pen.round(METAL)),
    rect(376, top - 26, 248, 44, 22, pen.round(second)),
    rect(458, top + 180, 84, FLOOR - top - 210, 26, pen.round(main)),
    ellipse(500, FLOOR - 110, 58, 58, pen.round(lighter(main, -8))),
    ellipse(500, FLOOR - 110, 42, 42, css(WHITE)),
    line(`M500 ${FLOOR - 110}l18 -24`, css(DARK), 6),
    rect(360, FLOOR - 36, 280, 36, 16, pen.flat(DARK)),
  );
};

export const torch: Draw = (pen, { main, second }) => {
  pen.shadow(500, 690, 260, 60, 0.24);
  const turn = pen.between(50, 66);
  pen.add(
    `<g transform="rotate(${turn.toFixed(0)} 500 540)">${ellipse(500, 190, 240, 200, pen.gradient("glow", [0, WARM, 0.9], [1, WARM, 0]))}${path("M408 240H592L556 340H444Z", pen.round(lighter(main, -4)))}${rect(396, 180, 208, 70, 18, pen.round(second))}${rect(446, 330, 108, 420, 34, pen.round(main))}${rect(482, 410, 36, 70, 16, css(second))}${rect(446, 690, 108, 26, 0, css(lighter(main, -14)))}</g>`,
  );
};

export const headlamp: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 260, 40);
  const high = pen.between(150, 190);
  pen.add(
    ring(500, 560, 270, high, css(lighter(main, -12)), 54),
    ellipse(500, 720, 260, 220, pen.gradient("glow", [0, WARM, 0.7], [1, WARM, 0])),
    rect(400, 620, 200, 170, 44, pen.round(main)),
    ellipse(500, 705, 64, 64, pen.round(METAL)),
    ellipse(500, 705, 46, 46, css(WARM)),
    rect(440, 640, 120, 16, 8, css(second)),
  );
};

export const fins: Draw = (pen, { main, second }) => {
  pen.shadow(500, 620, 320, 190, 0.18);
  const wide = pen.between(110, 130);
  for (const [x, turn] of [
    [370, -8],
    [630, 8],
  ] as const)
    pen.add(
      `<g transform="rotate(${turn} ${x} 540)">${path(`M${x - 62} 500L${x - wide} 820Q${x} 880 ${x + wide} 820L${x + 62} 500Z`, pen.round(main))}${line(`M${x - 40} 540L${x - wide + 50} 810M${x} 540V836M${x + 40} 540L${x + wide - 50} 810`, css(lighter(main, -12)), 12)}${rect(x - 70, 250, 140, 280, 66, pen.round(second))}${ellipse(x, 310, 42, 50, css(lighter(second, -20)))}</g>`,
    );
};

export const lounger: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 380, 44);
  const back = pen.between(390, 450);
  pen.add(
    line(`M300 640L250 ${FLOOR - 8}M720 640L760 ${FLOOR - 8}M420 640V${FLOOR - 8}`, css(lighter(wood, -5)), 28),
    line(`M150 ${back}L330 630H860`, css(wood), 36),
    line(`M156 ${back - 40}L344 588H846`, css(main), 62),
    line(`M164 ${back - 56}L210 ${back - 2}`, css(second), 66),
  );
};

export const hammock: Draw = (pen, { main, second }) => {
  const deep = pen.between(690, 740);
  pen.shadow(500, FLOOR + 30, 320, 40, 0.24);
  pen.add(
    line("M0 250L190 430M1000 250L810 430", css(lighter(second, -10)), 16),
    path(`M186 424Q500 ${deep - 130} 814 424Q760 ${deep + 60} 500 ${deep + 60}T186 424Z`, pen.round(main)),
    path(`M186 424Q500 ${deep - 130} 814 424Q500 ${deep + 20} 186 424Z`, css(lighter(main, -14))),
  );
  for (const share of [0.3, 0.5, 0.7])
    pen.add(
      line(`M${186 + 628 * share} ${deep - 60}q-8 60 ${500 - 186 - 628 * share > 0 ? 14 : -14} 108`, css(second), 22),
    );
};

export const parasol: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 160, 26);
  const top = pen.between(170, 210);
  pen.add(
    rect(488, top, 24, FLOOR - top, 8, pen.round(wood)),
    rect(410, FLOOR - 34, 180, 34, 16, pen.flat(DARK)),
    path(
      `M130 ${top + 220}Q500 ${top - 220} 870 ${top + 220}Q790 ${top + 170} 710 ${top + 220}Q600 ${top + 160} 500 ${top + 220}Q400 ${top + 160} 290 ${top + 220}Q210 ${top + 170} 130 ${top + 220}Z`,
      pen.round(main),
    ),
    path(
      `M290 ${top + 220}Q400 ${top + 20} 500 ${top}Q600 ${top + 20} 710 ${top + 220}Q600 ${top + 160} 500 ${top + 220}Q400 ${top + 160} 290 ${top + 220}Z`,
      css(second),
      'opacity=".55"',
    ),
    ellipse(500, top - 6, 16, 18, css(wood)),
  );
};

export const fork: Draw = (pen, { main, wood }) => {
  pen.shadow(500, 660, 280, 70, 0.2);
  const tines = [-60, 0, 60].map((x) => line(`M500 430V380L${500 + x} 350V170`, css(METAL), 24)).join("");
  pen.add(
    `<g transform="rotate(${pen.between(18, 40).toFixed(0)} 500 500)">${tines}${rect(478, 400, 44, 110, 14, pen.round(METAL))}${rect(464, 490, 72, 330, 34, pen.round(wood))}${rect(464, 700, 72, 56, 0, pen.round(main))}</g>`,
  );
};

export const shears: Draw = (pen, { main, second }) => {
  pen.shadow(500, 680, 260, 70, 0.2);
  const wide = pen.between(13, 19);
  for (const side of [-1, 1])
    pen.add(
      `<g transform="rotate(${(side * wide).toFixed(0)} 500 480)">${path(`M${500 - side * 6} 480L${500 + side * 44} 300Q${500 + side * 30} 190 ${500 - side * 10} 150Q${500 - side * 26} 320 ${500 - side * 26} 480Z`, pen.round(lighter(METAL, 8)))}${line(`M500 480Q${500 - side * 60} 640 ${500 - side * 40} 830`, css(side < 0 ? main : lighter(main, -8)), 46)}</g>`,
    );
  pen.add(ellipse(500, 480, 26, 26, css(second)), ellipse(500, 480, 9, 9, css(WHITE)));
};
