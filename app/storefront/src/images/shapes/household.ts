import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { DARK, type Draw, legs, METAL, WHITE } from "./common";

export const shelf: Draw = (pen, { main, second, wood }) => {
  const boards = 3 + Math.floor(pen.random() * 2);
  const wide = pen.between(200, 270);
  const top = FLOOR - 120 * boards - 60;
  pen.shadow(500, FLOOR, wide * 1.05);
  for (const x of [500 - wide, 500 + wide - 22]) pen.add(rect(x, top, 22, FLOOR - top, 8, pen.round(main)));
  const gap = (FLOOR - 60 - top) / (boards - 1 + 0.4);
  for (let board = 0; board < boards; board++) {
    const y = top + 30 + board * gap;
    pen.add(rect(500 - wide + 6, y, wide * 2 - 12, 24, 6, pen.flat(wood)));
    if (!board) continue;
    let x = 500 - wide + 40;
    while (x < 500 + wide - 90) {
      const width = pen.between(18, 40);
      const height = pen.between(gap * 0.4, gap * 0.72);
      if (pen.random() < 0.82)
        pen.add(
          rect(
            x,
            y - height,
            width,
            height,
            4,
            css(pen.pick([main, second, lighter(second, 14), hsl(40, 30, 84), hsl(24, 14, 40)])),
          ),
        );
      x += width + (pen.random() < 0.2 ? 60 : 4);
    }
  }
};

export const roll: Draw = (pen, { main, second }) => {
  const long = pen.between(250, 310);
  const r = pen.between(84, 112);
  const y = FLOOR - r;
  pen.shadow(500, FLOOR, long * 1.1, 40);
  pen.add(
    rect(
      500 - long,
      y - r,
      long * 2 - 20,
      r * 2,
      r * 0.5,
      pen.gradient("down", [0, lighter(main, 9)], [0.5, main], [1, lighter(main, -16)]),
    ),
  );
  for (const x of [-0.62, 0.4])
    pen.add(
      rect(
        500 + long * x,
        y - r - 3,
        40,
        r * 2 + 6,
        10,
        pen.gradient("down", [0, lighter(second, 8)], [1, lighter(second, -14)]),
      ),
    );
  pen.add(ellipse(500 + long - 24, y, r * 0.62, r, css(lighter(main, 6))));
  for (let ring = 0.82; ring > 0.1; ring -= 0.22)
    pen.add(
      `<ellipse cx="${500 + long - 24}" cy="${y}" rx="${(r * 0.62 * ring).toFixed(0)}" ry="${(r * ring).toFixed(0)}" fill="none" stroke="${css(lighter(main, -16))}" stroke-width="7"/>`,
    );
};

export const box: Draw = (pen, { main, second }) => {
  const wide = pen.between(200, 250);
  const tall = pen.between(220, 330);
  const top = FLOOR - tall;
  const deep = 84;
  pen.shadow(530, FLOOR, wide * 1.15, 40);
  pen.add(
    path(
      `M${500 - wide} ${top}L${500 - wide + deep} ${top - 70}H${500 + wide + deep}L${500 + wide} ${top}Z`,
      css(lighter(main, 10)),
    ),
    path(
      `M${500 + wide} ${top}L${500 + wide + deep} ${top - 70}V${FLOOR - 60}L${500 + wide} ${FLOOR}Z`,
      css(lighter(main, -14)),
    ),
    rect(500 - wide, top, wide * 2, tall, 0, pen.flat(main)),
  );
  const style = Math.floor(pen.between(0, 3));
  if (style === 0)
    pen.add(
      ellipse(500, top + tall / 2, tall * 0.3, tall * 0.3, css(second)),
      path(
        `M${500 - tall * 0.3} ${top + tall / 2}a${tall * 0.3} ${tall * 0.3} 0 0 0 ${tall * 0.6} 0Z`,
        css(lighter(second, -12)),
      ),
    );
  if (style === 1)
    for (let tile = 0; tile < 12; tile++)
      pen.add(
        rect(
          500 - wide + 40 + (tile % 4) * ((wide * 2 - 80) / 4) + 6,
          top + 40 + Math.floor(tile / 4) * ((tall - 80) / 3) + 6,
          (wide * 2 - 80) / 4 - 12,
          (tall - 80) / 3 - 12,
          10,
          css(tile % 3 ? lighter(second, (tile % 4) * 5) : lighter(main, 16)),
        ),
      );
  if (style === 2)
    pen.add(
      rect(500 - wide, top + tall * 0.3, wide * 2, tall * 0.4, 0, css(second)),
      rect(500 - 90, top + tall * 0.42, 180, tall * 0.16, 8, css(WHITE)),
    );
};

export const basket: Draw = (pen, { main, second }) => {
  const wide = pen.between(200, 240);
  const tall = pen.between(180, 300);
  const top = FLOOR - tall;
  pen.shadow(500, FLOOR, wide * 1.05);
  pen.add(
    ellipse(500, top, wide, 44, css(lighter(main, -20))),
    ellipse(500, top - 10, wide * 0.8, 60, pen.round(lighter(second, 10))),
  );
  const d = `M${500 - wide} ${top}Q500 ${top + 80} ${500 + wide} ${top}L${500 + wide * 0.84} ${FLOOR - 20}Q500 ${FLOOR + 30} ${500 - wide * 0.84} ${FLOOR - 20}Z`;
  pen.add(`<clipPath id="basket"><path d="${d}"/></clipPath>`, path(d, pen.round(main)));
  const weave: string[] = [];
  for (let y = top; y < FLOOR + 30; y += 34)
    for (let x = 500 - wide + ((y / 34) % 2) * 26; x < 500 + wide; x += 52)
      weave.push(rect(x, y, 44, 26, 12, css(lighter(main, 8)), 'opacity=".6"'));
  pen.add(
    `<g clip-path="url(#basket)">${weave.join("")}</g>`,
    line(`M${500 - wide * 0.3} ${top + 46}q-10 -120 ${wide * 0.3} -120t${wide * 0.3} 120`, css(second), 20),
  );
};

export const pan: Draw = (pen, { main, wood }) => {
  const wide = pen.between(190, 230);
  const tall = pen.between(80, 130);
  const top = FLOOR - tall;
  pen.shadow(440, FLOOR, wide * 1.1);
  pen.add(
    rect(430 + wide - 20, top + 6, 320, 40, 20, pen.flat(pen.random() < 0.5 ? wood : DARK)),
    rect(430 + wide - 24, top + 8, 60, 36, 8, pen.flat(METAL)),
  );
  pen.add(
    path(
      `M${430 - wide} ${top}Q${430 - wide * 0.96} ${FLOOR} ${430 - wide * 0.7} ${FLOOR}H${430 + wide * 0.7}Q${430 + wide * 0.96} ${FLOOR} ${430 + wide} ${top}Z`,
      pen.round(main),
    ),
    ellipse(430, top, wide, wide * 0.17, css(lighter(main, 10))),
    ellipse(430, top + 6, wide - 16, wide * 0.14, pen.flat(lighter(main, -14))),
  );
};

export const knife: Draw = (pen, { main, second }) => {
  const tilt = pen.between(-8, 6);
  pen.shadow(500, 640, 330, 60, 0.22);
  pen.add(
    `<g transform="rotate(${(tilt - 32).toFixed(0)} 500 520)">${path("M470 470H850Q800 566 640 570H470Z", pen.gradient("down", [0, hsl(210, 8, 88)], [0.5, hsl(210, 8, 74)], [1, hsl(210, 10, 92)]))}${rect(452, 468, 34, 92, 8, css(lighter(METAL, 10)))}${rect(180, 474, 280, 78, 36, pen.gradient("down", [0, lighter(main, 10)], [1, lighter(main, -12)]))}${[240, 320, 400].map((x) => ellipse(x, 512, 10, 10, css(second))).join("")}</g>`,
  );
};

/** A trowel. */
export const tool: Draw = (pen, { main, wood }) => {
  pen.shadow(500, 660, 280, 70, 0.2);
  const blade = path("M500 110C580 200 590 330 560 410H440C410 330 420 200 500 110Z", pen.round(lighter(METAL, 6)));
  pen.add(
    `<g transform="rotate(${pen.between(18, 40).toFixed(0)} 500 500)">${blade}${rect(478, 400, 44, 110, 14, pen.round(METAL))}${rect(464, 490, 72, 330, 34, pen.round(wood))}${rect(464, 700, 72, 56, 0, pen.round(main))}</g>`,
  );
};

export const plate: Draw = (pen, { main, second }) => {
  const stack = 3 + Math.floor(pen.random() * 3);
  pen.shadow(500, FLOOR, 290, 50);
  for (let each = 0; each < stack; each++) {
    const y = FLOOR - 30 - each * 34;
    const colour = each % 2 ? lighter(second, 12) : main;
    pen.add(
      path(`M220 ${y - 20}Q300 ${y + 40} 500 ${y + 40}T780 ${y - 20}Z`, pen.round(lighter(colour, -6))),
      ellipse(500, y - 22, 280, 52, css(lighter(colour, 6))),
    );
    if (each === stack - 1)
      pen.add(
        ellipse(500, y - 20, 240, 42, css(lighter(colour, -4))),
        ellipse(500, y - 16, 200, 34, css(lighter(colour, 4))),
        `<ellipse cx="500" cy="${y - 22}" rx="262" ry="47" fill="none" stroke="${css(second)}" stroke-width="5"/>`,
      );
  }
};

export const glass: Draw = (pen, { main, second }) => {
  const top = pen.between(490, 560);
  for (const x of [400, 600]) {
    pen.shadow(x, FLOOR, 90);
    const level = top + 120;
    pen.add(
      path(
        `M${x - 88} ${top}L${x - 74} ${FLOOR - 8}Q${x} ${FLOOR + 10} ${x + 74} ${FLOOR - 8}L${x + 88} ${top}Z`,
        pen.round(lighter(main, 14)),
        'opacity=".62"',
      ),
      path(
        `M${x - 79} ${level}L${x - 68} ${FLOOR - 18}Q${x} ${FLOOR} ${x + 68} ${FLOOR - 18}L${x + 79} ${level}Z`,
        css(second),
        'opacity=".75"',
      ),
      ellipse(x, top, 88, 14, css(WHITE), 'opacity=".75"'),
      rect(x - 62, top + 26, 14, 120, 7, css(WHITE), 'opacity=".5"'),
    );
  }
};

/** A toaster. */
export const appliance: Draw = (pen, { main, second }) => {
  const wide = pen.between(180, 230);
  const tall = pen.between(330, 420);
  const top = FLOOR - tall;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(
    rect(500 - wide, top, wide * 2, tall - 10, 70, pen.round(main)),
    rect(500 - wide * 0.9, FLOOR - 26, wide * 1.8, 26, 10, css(DARK)),
  );
  pen.add(
    rect(500 - wide * 0.62, top + 14, wide * 1.24, 26, 13, css(DARK)),
    rect(500 + wide - 10, top + 90, 40, 70, 14, pen.round(METAL)),
  );
  pen.add(
    ellipse(500, top + tall * 0.24, 40, 40, pen.round(second)),
    rect(496, top + tall * 0.24 - 34, 8, 30, 4, css(WHITE)),
    rect(500 - wide + 26, top + 60, 14, tall * 0.5, 7, css(WHITE), 'opacity=".3"'),
  );
};

export const bench: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 360, 44);
  legs(
    pen,
    [
      [240, 220],
      [760, 780],
    ],
    640,
    pen.random() < 0.5 ? wood : DARK,
    26,
  );
  for (const y of [430, 486, 542]) pen.add(rect(180, y, 640, 38, 14, pen.flat(main)));
  pen.add(
    line("M214 430L226 640M786 430L774 640", css(lighter(main, -12)), 24),
    rect(170, 612, 660, 48, 18, pen.flat(lighter(main, -5))),
    rect(206, 586, 588, 40, 18, pen.round(second)),
  );
};

export const lantern: Draw = (pen, { main, second }) => {
  const wide = pen.between(110, 140);
  pen.shadow(500, FLOOR, wide * 1.3);
  pen.add(ellipse(500, 600, 380, 340, pen.gradient("glow", [0, hsl(42, 90, 80), 0.7], [1, hsl(42, 90, 80), 0])));
  pen.add(
    line(`M${500 - wide * 0.6} 430C${500 - wide} 250 ${500 + wide} 250 ${500 + wide * 0.6} 430`, css(METAL), 14),
    path(`M${500 - wide} 460L${500 - wide * 0.5} 390H${500 + wide * 0.5}L${500 + wide} 460Z`, pen.round(main)),
    rect(500 - wide, 456, wide * 2, 290, 18, css(hsl(46, 80, 90)), 'opacity=".8"'),
  );
  pen.add(
    path("M500 560q46 70 0 110q-46 -40 0 -110Z", css(hsl(38, 100, 62))),
    rect(474, 666, 52, 84, 8, css(lighter(second, 12))),
  );
  for (const x of [500 - wide, 500 - 10, 500 + wide - 20])
    pen.add(rect(x, 456, 20, 292, 6, pen.round(lighter(main, -4)), x === 490 ? 'opacity=".5"' : ""));
  pen.add(rect(500 - wide - 16, 740, wide * 2 + 32, 56, 14, pen.round(main)));
};

export const can: Draw = (pen, { main, second }) => {
  pen.shadow(520, FLOOR, 260, 40);
  pen.add(
    line("M600 700L800 440", css(lighter(main, -8)), 40),
    path("M770 400L860 470L838 500L742 430Z", pen.flat(lighter(main, -4))),
    line("M370 520C200 460 220 740 380 740", css(second), 30),
    line("M400 500C420 380 580 380 600 500", css(second), 26),
  );
  pen.add(
    path(`M370 500L340 ${FLOOR - 16}Q490 ${FLOOR + 16} 640 ${FLOOR - 16}L610 500Z`, pen.round(main)),
    ellipse(490, 500, 120, 26, css(lighter(main, -18))),
    rect(346, 680, 288, 34, 6, css(second), 'opacity=".85"'),
  );
};

export const house: Draw = (pen, { main, second, wood }) => {
  pen.shadow(500, FLOOR, 220);
  pen.add(
    path(`M340 480L500 320L660 480V${FLOOR}H340Z`, pen.flat(wood)),
    path("M290 500L500 290L710 500L680 530L500 352L320 530Z", pen.flat(main)),
    ellipse(500, 590, 66, 66, css(DARK)),
    `<circle cx="500" cy="590" r="72" fill="none" stroke="${css(second)}" stroke-width="16"/>`,
    rect(490, 690, 20, 60, 8, css(lighter(wood, -16))),
    rect(324, FLOOR - 26, 352, 26, 8, pen.flat(main)),
  );
};
