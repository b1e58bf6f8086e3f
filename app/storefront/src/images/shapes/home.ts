import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { type Draw, legs, WARM, WHITE } from "./common";

export const vase: Draw = (pen, { main, second }) => {
  const height = pen.between(300, 420);
  const belly = pen.between(95, 165);
  const neck = pen.between(34, 70);
  const lip = neck + pen.between(4, 26);
  const low = pen.between(0.5, 0.72);
  const top = FLOOR - height;
  pen.shadow(500, FLOOR, belly * 1.1);
  const stems = 3 + Math.floor(pen.random() * 4);
  for (let stem = 0; stem < stems; stem++) {
    const lean = (stem - (stems - 1) / 2) * 62 + pen.between(-16, 16);
    const rise = pen.between(170, 270);
    pen.add(
      line(
        `M500 ${top + 20}Q${500 + lean * 0.2} ${top - rise * 0.5} ${500 + lean} ${top - rise}`,
        css(hsl(92, 22, 40)),
        7,
      ),
    );
    const petals = css(lighter(second, 6));
    for (let at = 0.35; at < 1; at += 0.2) {
      const x = 500 + lean * at * at;
      const y = top - rise * at;
      pen.add(
        `<g transform="rotate(${(lean / 2 + ((at * 100) % 2 > 1 ? 40 : -40)).toFixed(0)} ${x.toFixed(0)} ${y.toFixed(0)})">${ellipse(x, y - 24, 13, 32, css(hsl(96, 24, 46 + at * 12)))}</g>`,
      );
    }
    pen.add(
      ellipse(500 + lean, top - rise, 30, 26, petals),
      ellipse(500 + lean - 8, top - rise - 8, 14, 12, css(lighter(second, 20))),
    );
  }
  const y = top + height * low;
  pen.add(
    path(
      `M${500 - lip} ${top}C${500 - neck} ${top + 40} ${500 - neck} ${top + 60} ${500 - neck} ${top + height * 0.22}C${500 - neck} ${y - height * 0.2} ${500 - belly} ${y - height * 0.18} ${500 - belly} ${y}C${500 - belly} ${FLOOR - 30} ${500 - belly * 0.62} ${FLOOR} ${500 - belly * 0.55} ${FLOOR}H${500 + belly * 0.55}C${500 + belly * 0.62} ${FLOOR} ${500 + belly} ${FLOOR - 30} ${500 + belly} ${y}C${500 + belly} ${y - height * 0.18} ${500 + neck} ${y - height * 0.2} ${500 + neck} ${top + height * 0.22}C${500 + neck} ${top + 60} ${500 + neck} ${top + 40} ${500 + lip} ${top}Z`,
      pen.round(main),
    ),
  );
  pen.add(ellipse(500, top, lip, lip * 0.2, css(lighter(main, -22))));
};

export const cushion: Draw = (pen, { main, second }) => {
  const size = pen.between(215, 245);
  const style = Math.floor(pen.random() * 3);
  const y = FLOOR - size - 8;
  pen.shadow(500, FLOOR, size);
  const d = `M${500 - size} ${y - size}Q500 ${y - size * 0.86} ${500 + size} ${y - size}Q${500 + size * 0.88} ${y} ${500 + size} ${y + size}Q500 ${y + size * 0.9} ${500 - size} ${y + size}Q${500 - size * 0.88} ${y} ${500 - size} ${y - size}Z`;
  pen.add(`<clipPath id="cushion"><path d="${d}"/></clipPath>`, path(d, pen.round(main)));
  const motif: string[] = [];
  if (style === 0)
    for (let x = -size; x < size; x += 72)
      motif.push(rect(500 + x, y - size, 24, size * 2, 0, css(second), 'opacity=".8"'));
  if (style === 1)
    for (let row = -3; row <= 3; row++)
      for (let at = -3; at <= 3; at++)
        motif.push(ellipse(500 + at * 74 + (row % 2) * 37, y + row * 68, 15, 15, css(second), 'opacity=".85"'));
  if (style === 2)
    motif.push(
      ellipse(500, y + size * 0.2, size * 0.62, size * 0.62, css(second)),
      rect(500 - size, y + size * 0.2, size * 2, size, 0, css(lighter(main, -5))),
    );
  pen.add(`<g clip-path="url(#cushion)">${motif.join("")}</g>`);
  pen.add(path(d, pen.gradient("glow", [0.5, WHITE, 0.12], [1, hsl(24, 20, 10), 0.2])));
};

export const blanket: Draw = (pen, { main, second }) => {
  const folds = 4 + Math.floor(pen.random() * 2);
  pen.shadow(500, FLOOR, 290, 40);
  for (let fold = 0; fold < folds; fold++) {
    const y = FLOOR - 76 - fold * 62;
    const inset = pen.between(-10, 14);
    pen.add(rect(235 + inset, y, 530, 74, 36, pen.flat(fold % 2 ? lighter(main, 4) : main)));
    for (const x of [310, 350, 640])
      pen.add(rect(x + inset, y + 2, x === 350 ? 12 : 22, 70, 2, css(second), 'opacity=".75"'));
    pen.add(line(`M${262 + inset} ${y + 68}H${738 + inset}`, css(lighter(main, -18)), 3, 'opacity=".5"'));
  }
  for (let x = 262; x < 742; x += 15)
    pen.add(line(`M${x} ${FLOOR - 14}q${pen.between(-6, 6).toFixed(0)} 14 0 28`, css(lighter(main, -3)), 5));
};

export const clock: Draw = (pen, { main, second, wood }) => {
  const size = pen.between(220, 260);
  const y = FLOOR - size - 30;
  const rim = pen.random() < 0.5 ? wood : main;
  pen.shadow(500, FLOOR, size * 0.7);
  legs(
    pen,
    [
      [420, 396],
      [580, 604],
    ],
    FLOOR - 70,
    rim,
    28,
  );
  pen.add(
    ellipse(500, y, size, size, pen.round(rim)),
    ellipse(500, y, size - 34, size - 34, pen.flat(pen.random() < 0.5 ? WHITE : lighter(second, 12))),
  );
  const ink = css(hsl(24, 12, 16));
  for (let hour = 0; hour < 12; hour++)
    pen.add(
      `<g transform="rotate(${hour * 30} 500 ${y.toFixed(0)})">${rect(495, y - size + 54, 10, hour % 3 ? 20 : 40, 5, ink)}</g>`,
    );
  const at = pen.between(0, 12);
  pen.add(
    `<g transform="rotate(${(at * 30).toFixed(0)} 500 ${y.toFixed(0)})">${rect(493, y - size * 0.5, 14, size * 0.5, 7, ink)}</g>`,
    `<g transform="rotate(${((at % 1) * 360).toFixed(0)} 500 ${y.toFixed(0)})">${rect(495, y - size * 0.72, 10, size * 0.72, 5, ink)}</g>`,
    ellipse(500, y, 16, 16, css(main)),
  );
};

export const candle: Draw = (pen, { main, second }) => {
  const count = 1 + Math.floor(pen.random() * 3);
  const spread = 170;
  for (let each = 0; each < count; each++) {
    const x = 500 + (each - (count - 1) / 2) * spread;
    const wide = pen.between(58, 84);
    const height = pen.between(170, 330);
    const top = FLOOR - height;
    const colour = each % 2 ? second : main;
    pen.shadow(x, FLOOR, wide * 1.3);
    pen.add(ellipse(x, top - 50, 190, 200, pen.gradient("glow", [0, WARM, 0.75], [1, WARM, 0])));
    pen.add(
      path(`M${x - wide} ${top}V${FLOOR - 10}Q${x} ${FLOOR + 14} ${x + wide} ${FLOOR - 10}V${top}Z`, pen.round(colour)),
      ellipse(x, top, wide, wide * 0.2, css(lighter(colour, 12))),
    );
    pen.add(
      line(`M${x} ${top}v-22`, css(hsl(24, 20, 16)), 6),
      path(`M${x} ${top - 96}q34 52 0 78q-34 -26 0 -78Z`, css(hsl(42, 100, 66))),
      path(`M${x} ${top - 62}q16 26 0 40q-16 -14 0 -40Z`, css(hsl(48, 100, 90))),
    );
  }
};

export const plant: Draw = (pen, { main }) => {
  const wide = pen.between(110, 145);
  const tall = pen.between(170, 210);
  const top = FLOOR - tall;
  const green = hsl(pen.between(88, 150), 30, 34);
  const long = pen.random() < 0.5;
  pen.shadow(500, FLOOR, wide * 1.25);
  const leaves = long ? 11 : 15;
  for (let leaf = 0; leaf < leaves; leaf++) {
    const angle = -74 + (148 / (leaves - 1)) * leaf + pen.between(-7, 7);
    const length = pen.between(230, 380) * (1 - Math.abs(angle) / 240);
    const colour = lighter(green, pen.between(-6, 16));
    const half = long ? 20 : 46;
    pen.add(
      `<g transform="rotate(${angle.toFixed(0)} 500 ${top.toFixed(0)})">${path(`M500 ${top + 10}C${500 - half * 0.3} ${top - length * 0.4} ${500 - half} ${top - length * 0.6} 500 ${top - length}C${500 + half} ${top - length * 0.6} ${500 + half * 0.3} ${top - length * 0.4} 500 ${top + 10}Z`, css(colour))}${line(`M500 ${top}V${top - length * 0.9}`, css(lighter(colour, 10)), 4)}</g>`,
    );
  }
  pen.add(
    path(
      `M${500 - wide} ${top}L${500 - wide * 0.72} ${FLOOR - 10}Q500 ${FLOOR + 16} ${500 + wide * 0.72} ${FLOOR - 10}L${500 + wide} ${top}Z`,
      pen.round(main),
    ),
    rect(500 - wide - 12, top - 16, wide * 2 + 24, 52, 16, pen.round(lighter(main, 3))),
  );
};

export const frame: Draw = (pen, { main, second, wood }) => {
  const wide = pen.between(210, 250);
  const tall = pen.between(270, 300);
  const y = FLOOR - tall - 4;
  pen.shadow(500, FLOOR, wide, 24);
  pen.add(
    rect(500 - wide, y - tall, wide * 2, tall * 2, 8, pen.flat(pen.random() < 0.6 ? wood : hsl(24, 10, 18))),
    rect(500 - wide + 24, y - tall + 24, wide * 2 - 48, tall * 2 - 48, 2, css(WHITE)),
  );
  const left = 500 - wide + 64;
  const top = y - tall + 64;
  const w = wide * 2 - 128;
  const h = tall * 2 - 128;
  const art: string[] = [rect(left, top, w, h, 0, pen.flat(lighter(second, 22)))];
  const style = Math.floor(pen.random() * 3);
  if (style === 0)
    art.push(
      ellipse(left + w * 0.6, top + h * 0.34, w * 0.27, w * 0.27, css(main)),
      path(
        `M${left} ${top + h * 0.7}Q${left + w * 0.3} ${top + h * 0.5} ${left + w * 0.55} ${top + h * 0.7}T${left + w} ${top + h * 0.62}V${top + h}H${left}Z`,
        css(second),
      ),
      path(
        `M${left} ${top + h * 0.86}Q${left + w * 0.5} ${top + h * 0.7} ${left + w} ${top + h * 0.84}V${top + h}H${left}Z`,
        css(lighter(main, -12)),
      ),
    );
  if (style === 1)
    for (let arc = 4; arc > 0; arc--)
      art.push(
        path(
          `M${left + w / 2 - arc * w * 0.11} ${top + h}V${top + h * 0.55}A${arc * w * 0.11} ${arc * w * 0.11} 0 0 1 ${left + w / 2 + arc * w * 0.11} ${top + h * 0.55}V${top + h}Z`,
          css(arc % 2 ? lighter(main, arc * 4) : second),
        ),
      );
  if (style === 2)
    art.push(
      line(`M${left + w * 0.5} ${top + h * 0.92}V${top + h * 0.2}`, css(second), 10),
      ...[0.28, 0.42, 0.56, 0.7].flatMap((at) =>
        [-1, 1].map(
          (side) =>
            `<g transform="rotate(${side * 52} ${left + w * 0.5} ${top + h * at})">${ellipse(left + w * 0.5, top + h * at - w * 0.16, w * 0.07, w * 0.17, css((at * 100) % 28 ? main : second))}</g>`,
        ),
      ),
    );
  pen.add(
    `<clipPath id="art"><rect x="${left}" y="${top}" width="${w}" height="${h}"/></clipPath><g clip-path="url(#art)">${art.join("")}</g>`,
  );
  pen.add(
    path(
      `M${500 - wide} ${y - tall}h${wide * 0.9}l-${wide * 0.7} ${tall * 2}h-${wide * 0.2}Z`,
      css(WHITE),
      'opacity=".07"',
    ),
  );
};
