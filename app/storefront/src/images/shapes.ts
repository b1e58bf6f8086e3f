/** One function per kind of thing. Each draws it standing on the table, around x = 500, in the given colours. */
import { type Colour, css, hsl, lighter } from "./colour";
import type { Kind } from "./designs";
import { ellipse, FLOOR, line, type Pen, path, rect } from "./pen";

/** The finish, a second colour beside it, and a wood. */
export interface Colours {
  main: Colour;
  second: Colour;
  wood: Colour;
}

type Draw = (pen: Pen, colours: Colours) => void;

const WARM = hsl(42, 90, 82);
const METAL = hsl(36, 14, 66);
const WHITE = hsl(40, 30, 96);

function legs(pen: Pen, feet: [topX: number, footX: number][], top: number, wood: Colour, width = 24): void {
  for (const [from, to] of feet) pen.add(line(`M${from} ${top}L${to} ${FLOOR - 6}`, css(lighter(wood, from < 500 ? 0 : -7)), width));
}

const lamp: Draw = (pen, { main, second }) => {
  const height = pen.between(400, 500);
  const top = FLOOR - height;
  const wide = pen.between(150, 190);
  const narrow = wide * pen.between(0.45, 0.85);
  const shade = pen.between(170, 220);
  pen.shadow(500, FLOOR, 150);
  pen.add(ellipse(500, top + shade, 420, 400, pen.gradient("glow", [0, WARM, 0.55], [1, WARM, 0])));
  const foot = pen.random() < 0.5;
  if (foot) {
    pen.add(rect(488, top + shade - 20, 24, height - shade, 8, pen.round(METAL)), ellipse(500, FLOOR - 8, 118, 20, pen.round(second)));
    pen.add(rect(382, FLOOR - 26, 236, 18, 9, pen.round(second)));
  } else {
    const belly = pen.between(75, 110);
    const neck = top + shade + 20;
    pen.add(path(`M478 ${neck}C478 ${neck + 70} ${500 - belly} ${neck + 60} ${500 - belly} ${FLOOR - 90}Q${500 - belly} ${FLOOR} 460 ${FLOOR}H540Q${500 + belly} ${FLOOR} ${500 + belly} ${FLOOR - 90}C${500 + belly} ${neck + 60} 522 ${neck + 70} 522 ${neck}Z`, pen.round(second)));
    pen.add(rect(487, top + shade - 10, 26, 44, 6, pen.round(METAL)));
  }
  pen.add(path(`M${500 - narrow} ${top}H${500 + narrow}L${500 + wide} ${top + shade}Q500 ${top + shade + 26} ${500 - wide} ${top + shade}Z`, pen.round(lighter(main, 8))));
  pen.add(path(`M${500 - wide} ${top + shade}Q500 ${top + shade + 26} ${500 + wide} ${top + shade}Q500 ${top + shade - 14} ${500 - wide} ${top + shade}Z`, css(WARM)));
  pen.add(ellipse(500, top + shade * 0.62, wide * 0.7, shade * 0.5, pen.gradient("glow", [0, WARM, 0.5], [1, WARM, 0])));
};

const pendant: Draw = (pen, { main, second }) => {
  const top = pen.between(280, 340);
  const wide = pen.between(180, 250);
  const deep = pen.between(150, 260);
  pen.add(ellipse(500, top + deep, 430, 330, pen.gradient("glow", [0, WARM, 0.6], [1, WARM, 0])));
  pen.add(line(`M500 0V${top - 40}`, css(hsl(24, 10, 24)), 8), rect(474, top - 52, 52, 64, 12, pen.round(second)));
  const dome = pen.random() < 0.6;
  const side = dome ? `C${500 - wide * 0.6} ${top} ${500 - wide} ${top + deep * 0.35} ${500 - wide} ${top + deep}` : `L${500 - wide} ${top + deep}`;
  const back = dome ? `C${500 + wide} ${top + deep * 0.35} ${500 + wide * 0.6} ${top} 530 ${top}` : `L530 ${top}`;
  pen.add(path(`M470 ${top}${side}H${500 + wide}${back}Z`, pen.round(main)));
  pen.add(ellipse(500, top + deep, wide, wide * 0.13, css(lighter(WARM, 6))), ellipse(500, top + deep + 4, 46, 28, css(hsl(45, 100, 94))));
  pen.shadow(500, FLOOR + 40, 220, 30, 0.16);
};

const chair: Draw = (pen, { main, wood }) => {
  const back = pen.between(250, 310);
  const round = pen.between(24, 90);
  const slats = pen.random() < 0.4;
  pen.shadow(500, FLOOR, 210);
  legs(pen, [[400, 372], [600, 628], [430, 424], [570, 576]], 590, wood);
  if (slats) {
    for (const x of [370, 435, 500, 565, 630]) pen.add(line(`M${x} ${back + 30}L${500 + (x - 500) * 0.92} 560`, css(wood), 20));
    pen.add(rect(340, back, 320, 56, 28, pen.flat(wood)));
  } else {
    pen.add(line("M396 420L404 590M604 420L596 590", css(lighter(wood, -4)), 22), rect(348, back, 304, 200, round, pen.round(main)));
  }
  pen.add(rect(340, 556, 320, 62, 30, pen.round(lighter(main, -3))), rect(352, 556, 296, 26, 13, css(lighter(main, 8)), 'opacity=".55"'));
};

const stool: Draw = (pen, { main, wood }) => {
  const top = pen.between(430, 520);
  pen.shadow(500, FLOOR, 190);
  legs(pen, [[420, 366], [500, 500], [580, 634]], top, wood, 26);
  if (pen.random() < 0.6) pen.add(line(`M${392} ${FLOOR - 110}H${608}`, css(lighter(wood, -5)), 16));
  const padded = pen.random() < 0.5;
  pen.add(rect(340, top - 20, 320, padded ? 70 : 40, 30, pen.round(padded ? main : wood)), ellipse(500, top - 14, 160, 34, css(lighter(padded ? main : wood, 8))));
};

const sofa: Draw = (pen, { main, second, wood }) => {
  const arm = pen.between(60, 90);
  const back = pen.between(400, 450);
  const seats = pen.random() < 0.5 ? 2 : 3;
  pen.shadow(500, FLOOR - 10, 400, 44);
  legs(pen, [[220, 206], [780, 794]], 740, wood, 26);
  pen.add(rect(170, back, 660, 300, 56, pen.flat(lighter(main, -5))));
  const room = 660 - arm * 2;
  for (let seat = 0; seat < seats; seat++) {
    const x = 170 + arm + (room / seats) * seat;
    pen.add(rect(x + 4, back + 30, room / seats - 8, 190, 34, pen.round(main)), rect(x + 4, back + 178, room / seats - 8, 92, 28, pen.flat(lighter(main, 5))));
  }
  pen.add(rect(150, back + 90, arm + 20, 240, 42, pen.round(main)), rect(830 - arm, back + 90, arm + 20, 240, 42, pen.round(main)), rect(172, back + 262, 656, 66, 22, pen.flat(lighter(main, -8))));
  pen.add(`<g transform="rotate(-9 330 ${back + 120})">${rect(262, back + 64, 136, 128, 30, pen.flat(second))}</g>`);
};

const table: Draw = (pen, { main, wood, second }) => {
  const top = pen.between(470, 560);
  const wide = pen.between(250, 330);
  const pillar = pen.random() < 0.4;
  pen.shadow(500, FLOOR, wide * 0.8, 40);
  if (pillar) pen.add(path(`M450 ${top}L410 ${FLOOR}H590L550 ${top}Z`, pen.round(main)), ellipse(500, FLOOR - 2, 120, 20, pen.round(lighter(main, -6))));
  else legs(pen, [[500 - wide * 0.72, 500 - wide * 0.82], [500 + wide * 0.72, 500 + wide * 0.82], [500 - wide * 0.3, 500 - wide * 0.36], [500 + wide * 0.3, 500 + wide * 0.36]], top, wood);
  pen.add(rect(500 - wide, top - 16, wide * 2, 40, 20, pen.round(lighter(wood, -5))), ellipse(500, top - 12, wide, wide * 0.17, pen.flat(lighter(wood, 6))));
  pen.add(path(`M${540} ${top - 22}q-4 -70 30 -70t30 70q-30 12 -60 0Z`, pen.round(second)), ellipse(430, top - 22, 56, 14, css(lighter(second, 16))));
};

const vase: Draw = (pen, { main, second }) => {
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
    pen.add(line(`M500 ${top + 20}Q${500 + lean * 0.2} ${top - rise * 0.5} ${500 + lean} ${top - rise}`, css(hsl(92, 22, 40)), 7));
    const petals = css(lighter(second, 6));
    for (let at = 0.35; at < 1; at += 0.2) {
      const x = 500 + lean * at * at;
      const y = top - rise * at;
      pen.add(`<g transform="rotate(${(lean / 2 + (at * 100 % 2 > 1 ? 40 : -40)).toFixed(0)} ${x.toFixed(0)} ${y.toFixed(0)})">${ellipse(x, y - 24, 13, 32, css(hsl(96, 24, 46 + at * 12)))}</g>`);
    }
    pen.add(ellipse(500 + lean, top - rise, 30, 26, petals), ellipse(500 + lean - 8, top - rise - 8, 14, 12, css(lighter(second, 20))));
  }
  const y = top + height * low;
  pen.add(path(`M${500 - lip} ${top}C${500 - neck} ${top + 40} ${500 - neck} ${top + 60} ${500 - neck} ${top + height * 0.22}C${500 - neck} ${y - height * 0.2} ${500 - belly} ${y - height * 0.18} ${500 - belly} ${y}C${500 - belly} ${FLOOR - 30} ${500 - belly * 0.62} ${FLOOR} ${500 - belly * 0.55} ${FLOOR}H${500 + belly * 0.55}C${500 + belly * 0.62} ${FLOOR} ${500 + belly} ${FLOOR - 30} ${500 + belly} ${y}C${500 + belly} ${y - height * 0.18} ${500 + neck} ${y - height * 0.2} ${500 + neck} ${top + height * 0.22}C${500 + neck} ${top + 60} ${500 + neck} ${top + 40} ${500 + lip} ${top}Z`, pen.round(main)));
  pen.add(ellipse(500, top, lip, lip * 0.2, css(lighter(main, -22))));
};

const mug: Draw = (pen, { main, second }) => {
  const wide = pen.between(130, 165);
  const height = pen.between(240, 310);
  const taper = pen.between(0, 34);
  const top = FLOOR - height;
  pen.shadow(500, FLOOR, wide * 1.15);
  pen.add(line(`M${500 + wide - 10} ${top + 56}C${500 + wide + 120} ${top + 40} ${500 + wide + 120} ${FLOOR - 70} ${500 + wide - taper} ${FLOOR - 76}`, css(lighter(main, -8)), 34));
  pen.add(path(`M${500 - wide} ${top}L${500 - wide + taper} ${FLOOR - 20}Q500 ${FLOOR + 22} ${500 + wide - taper} ${FLOOR - 20}L${500 + wide} ${top}Z`, pen.round(main)));
  if (pen.random() < 0.6) {
    const band = top + height * pen.between(0.5, 0.66);
    const inset = (taper * (band - top)) / height;
    pen.add(path(`M${500 - wide + inset} ${band}Q500 ${band + 42} ${500 + wide - inset} ${band}L${500 + wide - taper} ${FLOOR - 20}Q500 ${FLOOR + 22} ${500 - wide + taper} ${FLOOR - 20}Z`, pen.round(second)));
  }
  pen.add(ellipse(500, top, wide, wide * 0.2, css(lighter(main, 8))), ellipse(500, top + 4, wide - 16, wide * 0.16, css(lighter(main, -16))), ellipse(500, top + 12, wide - 26, wide * 0.12, css(hsl(22, 50, 24))));
};

const bowl: Draw = (pen, { main, second }) => {
  const stack = 1 + Math.floor(pen.random() * 3);
  pen.shadow(500, FLOOR, 230);
  for (let each = 0; each < stack; each++) {
    const colour = each % 2 ? second : main;
    const wide = 240 - each * 18;
    const top = FLOOR - 150 - each * 74;
    pen.add(path(`M${500 - wide} ${top}C${500 - wide * 0.94} ${top + 110} ${500 - wide * 0.5} ${top + 150} 420 ${top + 150}H580C${500 + wide * 0.5} ${top + 150} ${500 + wide * 0.94} ${top + 110} ${500 + wide} ${top}Z`, pen.round(colour)));
    pen.add(ellipse(500, top, wide, wide * 0.18, css(lighter(colour, 10))), ellipse(500, top + 5, wide - 16, wide * 0.15, pen.flat(lighter(colour, -12))));
  }
};

const teapot: Draw = (pen, { main, wood }) => {
  const wide = pen.between(160, 200);
  const tall = pen.between(110, 140);
  const y = FLOOR - tall - 6;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(path(`M${500 + wide * 0.8} ${y + 50}C${500 + wide + 70} ${y + 40} ${500 + wide + 40} ${y - 60} ${500 + wide + 120} ${y - 96}L${500 + wide + 146} ${y - 74}C${500 + wide + 100} ${y - 20} ${500 + wide + 100} ${y + 90} ${500 + wide * 0.7} ${y + 96}Z`, pen.flat(lighter(main, -8))));
  const over = pen.random() < 0.5;
  pen.add(over ? line(`M${500 - wide * 0.7} ${y - tall * 0.6}C${500 - wide * 0.8} ${y - tall - 190} ${500 + wide * 0.8} ${y - tall - 190} ${500 + wide * 0.7} ${y - tall * 0.6}`, css(wood), 26) : line(`M${500 - wide * 0.85} ${y - 56}C${500 - wide - 130} ${y - 90} ${500 - wide - 130} ${y + 80} ${500 - wide * 0.85} ${y + 56}`, css(lighter(main, -6)), 30));
  pen.add(ellipse(500, y, wide, tall, pen.round(main)), ellipse(500, y - tall + 14, wide * 0.5, 26, pen.round(lighter(main, -6))), rect(480, y - tall - 34, 40, 38, 18, pen.round(wood)));
  pen.add(ellipse(430, y - 50, 34, 44, css(WHITE), 'opacity=".22"'));
};

const bottle: Draw = (pen, { main, second, wood }) => {
  const wide = pen.between(78, 108);
  const height = pen.between(400, 500);
  const top = FLOOR - height;
  const shoulder = pen.between(90, 150);
  pen.shadow(500, FLOOR, wide * 1.2);
  pen.add(path(`M462 ${top + 30}C462 ${top + shoulder} ${500 - wide} ${top + shoulder * 0.7} ${500 - wide} ${top + shoulder + 60}V${FLOOR - 30}Q${500 - wide} ${FLOOR} ${500 - wide + 30} ${FLOOR}H${500 + wide - 30}Q${500 + wide} ${FLOOR} ${500 + wide} ${FLOOR - 30}V${top + shoulder + 60}C${500 + wide} ${top + shoulder * 0.7} 538 ${top + shoulder} 538 ${top + 30}Z`, pen.round(main)));
  pen.add(rect(452, top - 20, 96, 62, 16, pen.round(pen.random() < 0.5 ? wood : second)));
  pen.add(rect(500 - wide, FLOOR - 190, wide * 2, 74, 0, pen.round(second), 'opacity=".85"'));
};

const pot: Draw = (pen, { main, wood }) => {
  const wide = pen.between(190, 230);
  const height = pen.between(170, 240);
  const top = FLOOR - height;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(rect(500 - wide - 74, top + 40, 110, 40, 20, pen.flat(lighter(main, -14))), rect(500 + wide - 36, top + 40, 110, 40, 20, pen.flat(lighter(main, -14))));
  pen.add(path(`M${500 - wide} ${top}V${FLOOR - 60}Q${500 - wide} ${FLOOR} ${500 - wide + 60} ${FLOOR}H${500 + wide - 60}Q${500 + wide} ${FLOOR} ${500 + wide} ${FLOOR - 60}V${top}Z`, pen.round(main)));
  pen.add(path(`M${500 - wide - 10} ${top + 8}C${500 - wide} ${top - 90} ${500 + wide} ${top - 90} ${500 + wide + 10} ${top + 8}Z`, pen.round(lighter(main, 4))), rect(500 - wide - 12, top - 2, wide * 2 + 24, 20, 10, pen.round(lighter(main, -8))));
  pen.add(rect(464, top - 108, 72, 46, 22, pen.round(wood)));
};

const cushion: Draw = (pen, { main, second }) => {
  const size = pen.between(215, 245);
  const style = Math.floor(pen.random() * 3);
  const y = FLOOR - size - 8;
  pen.shadow(500, FLOOR, size);
  const d = `M${500 - size} ${y - size}Q500 ${y - size * 0.86} ${500 + size} ${y - size}Q${500 + size * 0.88} ${y} ${500 + size} ${y + size}Q500 ${y + size * 0.9} ${500 - size} ${y + size}Q${500 - size * 0.88} ${y} ${500 - size} ${y - size}Z`;
  pen.add(`<clipPath id="cushion"><path d="${d}"/></clipPath>`, path(d, pen.round(main)));
  const motif: string[] = [];
  if (style === 0) for (let x = -size; x < size; x += 72) motif.push(rect(500 + x, y - size, 24, size * 2, 0, css(second), 'opacity=".8"'));
  if (style === 1) for (let row = -3; row <= 3; row++) for (let at = -3; at <= 3; at++) motif.push(ellipse(500 + at * 74 + (row % 2) * 37, y + row * 68, 15, 15, css(second), 'opacity=".85"'));
  if (style === 2) motif.push(ellipse(500, y + size * 0.2, size * 0.62, size * 0.62, css(second)), rect(500 - size, y + size * 0.2, size * 2, size, 0, css(lighter(main, -5))));
  pen.add(`<g clip-path="url(#cushion)">${motif.join("")}</g>`);
  pen.add(path(d, pen.gradient("glow", [0.5, WHITE, 0.12], [1, hsl(24, 20, 10), 0.2])));
};

const blanket: Draw = (pen, { main, second }) => {
  const folds = 4 + Math.floor(pen.random() * 2);
  pen.shadow(500, FLOOR, 290, 40);
  for (let fold = 0; fold < folds; fold++) {
    const y = FLOOR - 76 - fold * 62;
    const inset = pen.between(-10, 14);
    pen.add(rect(235 + inset, y, 530, 74, 36, pen.flat(fold % 2 ? lighter(main, 4) : main)));
    for (const x of [310, 350, 640]) pen.add(rect(x + inset, y + 2, x === 350 ? 12 : 22, 70, 2, css(second), 'opacity=".75"'));
    pen.add(line(`M${262 + inset} ${y + 68}H${738 + inset}`, css(lighter(main, -18)), 3, 'opacity=".5"'));
  }
  for (let x = 262; x < 742; x += 15) pen.add(line(`M${x} ${FLOOR - 14}q${pen.between(-6, 6).toFixed(0)} 14 0 28`, css(lighter(main, -3)), 5));
};

const clock: Draw = (pen, { main, second, wood }) => {
  const size = pen.between(220, 260);
  const y = FLOOR - size - 30;
  const rim = pen.random() < 0.5 ? wood : main;
  pen.shadow(500, FLOOR, size * 0.7);
  legs(pen, [[420, 396], [580, 604]], FLOOR - 70, rim, 28);
  pen.add(ellipse(500, y, size, size, pen.round(rim)), ellipse(500, y, size - 34, size - 34, pen.flat(pen.random() < 0.5 ? WHITE : lighter(second, 12))));
  const ink = css(hsl(24, 12, 16));
  for (let hour = 0; hour < 12; hour++) pen.add(`<g transform="rotate(${hour * 30} 500 ${y.toFixed(0)})">${rect(495, y - size + 54, 10, hour % 3 ? 20 : 40, 5, ink)}</g>`);
  const at = pen.between(0, 12);
  pen.add(`<g transform="rotate(${(at * 30).toFixed(0)} 500 ${y.toFixed(0)})">${rect(493, y - size * 0.5, 14, size * 0.5, 7, ink)}</g>`, `<g transform="rotate(${((at % 1) * 360).toFixed(0)} 500 ${y.toFixed(0)})">${rect(495, y - size * 0.72, 10, size * 0.72, 5, ink)}</g>`, ellipse(500, y, 16, 16, css(main)));
};

const candle: Draw = (pen, { main, second }) => {
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
    pen.add(path(`M${x - wide} ${top}V${FLOOR - 10}Q${x} ${FLOOR + 14} ${x + wide} ${FLOOR - 10}V${top}Z`, pen.round(colour)), ellipse(x, top, wide, wide * 0.2, css(lighter(colour, 12))));
    pen.add(line(`M${x} ${top}v-22`, css(hsl(24, 20, 16)), 6), path(`M${x} ${top - 96}q34 52 0 78q-34 -26 0 -78Z`, css(hsl(42, 100, 66))), path(`M${x} ${top - 62}q16 26 0 40q-16 -14 0 -40Z`, css(hsl(48, 100, 90))));
  }
};

const plant: Draw = (pen, { main }) => {
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
    pen.add(`<g transform="rotate(${angle.toFixed(0)} 500 ${top.toFixed(0)})">${path(`M500 ${top + 10}C${500 - half * 0.3} ${top - length * 0.4} ${500 - half} ${top - length * 0.6} 500 ${top - length}C${500 + half} ${top - length * 0.6} ${500 + half * 0.3} ${top - length * 0.4} 500 ${top + 10}Z`, css(colour))}${line(`M500 ${top}V${top - length * 0.9}`, css(lighter(colour, 10)), 4)}</g>`);
  }
  pen.add(path(`M${500 - wide} ${top}L${500 - wide * 0.72} ${FLOOR - 10}Q500 ${FLOOR + 16} ${500 + wide * 0.72} ${FLOOR - 10}L${500 + wide} ${top}Z`, pen.round(main)), rect(500 - wide - 12, top - 16, wide * 2 + 24, 52, 16, pen.round(lighter(main, 3))));
};

const frame: Draw = (pen, { main, second, wood }) => {
  const wide = pen.between(210, 250);
  const tall = pen.between(270, 300);
  const y = FLOOR - tall - 4;
  pen.shadow(500, FLOOR, wide, 24);
  pen.add(rect(500 - wide, y - tall, wide * 2, tall * 2, 8, pen.flat(pen.random() < 0.6 ? wood : hsl(24, 10, 18))), rect(500 - wide + 24, y - tall + 24, wide * 2 - 48, tall * 2 - 48, 2, css(WHITE)));
  const left = 500 - wide + 64;
  const top = y - tall + 64;
  const w = wide * 2 - 128;
  const h = tall * 2 - 128;
  const art: string[] = [rect(left, top, w, h, 0, pen.flat(lighter(second, 22)))];
  const style = Math.floor(pen.random() * 3);
  if (style === 0) art.push(ellipse(left + w * 0.6, top + h * 0.34, w * 0.27, w * 0.27, css(main)), path(`M${left} ${top + h * 0.7}Q${left + w * 0.3} ${top + h * 0.5} ${left + w * 0.55} ${top + h * 0.7}T${left + w} ${top + h * 0.62}V${top + h}H${left}Z`, css(second)), path(`M${left} ${top + h * 0.86}Q${left + w * 0.5} ${top + h * 0.7} ${left + w} ${top + h * 0.84}V${top + h}H${left}Z`, css(lighter(main, -12))));
  if (style === 1) for (let arc = 4; arc > 0; arc--) art.push(path(`M${left + w / 2 - arc * w * 0.11} ${top + h}V${top + h * 0.55}A${arc * w * 0.11} ${arc * w * 0.11} 0 0 1 ${left + w / 2 + arc * w * 0.11} ${top + h * 0.55}V${top + h}Z`, css(arc % 2 ? lighter(main, arc * 4) : second)));
  if (style === 2) art.push(line(`M${left + w * 0.5} ${top + h * 0.92}V${top + h * 0.2}`, css(second), 10), ...[0.28, 0.42, 0.56, 0.7].flatMap((at) => [-1, 1].map((side) => `<g transform="rotate(${side * 52} ${left + w * 0.5} ${top + h * at})">${ellipse(left + w * 0.5, top + h * at - w * 0.16, w * 0.07, w * 0.17, css(at * 100 % 28 ? main : second))}</g>`)));
  pen.add(`<clipPath id="art"><rect x="${left}" y="${top}" width="${w}" height="${h}"/></clipPath><g clip-path="url(#art)">${art.join("")}</g>`);
  pen.add(path(`M${500 - wide} ${y - tall}h${wide * 0.9}l-${wide * 0.7} ${tall * 2}h-${wide * 0.2}Z`, css(WHITE), 'opacity=".07"'));
};

const backpack: Draw = (pen, { main, second }) => {
  const wide = pen.between(170, 200);
  const top = FLOOR - pen.between(430, 480);
  const flap = pen.random() < 0.5;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(line(`M${460} ${top + 20}C450 ${top - 70} 550 ${top - 70} 540 ${top + 20}`, css(lighter(main, -16)), 20));
  pen.add(rect(500 - wide - 22, FLOOR - 260, 60, 220, 28, pen.flat(lighter(main, -12))), rect(500 + wide - 38, FLOOR - 260, 60, 220, 28, pen.flat(lighter(main, -12))));
  pen.add(rect(500 - wide, top, wide * 2, FLOOR - top, 90, pen.round(main)));
  pen.add(rect(500 - wide + 34, FLOOR - 206, wide * 2 - 68, 180, 36, pen.round(lighter(main, 5))), line(`M${500 - wide + 60} ${FLOOR - 166}H${500 + wide - 60}`, css(lighter(main, -18)), 7));
  if (flap) {
    pen.add(path(`M${500 - wide} ${top + 90}Q${500 - wide} ${top} ${500 - wide + 90} ${top}H${500 + wide - 90}Q${500 + wide} ${top} ${500 + wide} ${top + 90}V${top + 170}Q500 ${top + 230} ${500 - wide} ${top + 170}Z`, pen.round(lighter(main, -5))));
    for (const x of [430, 570]) pen.add(rect(x - 13, top + 120, 26, 120, 8, css(second)), rect(x - 19, top + 190, 38, 30, 6, css(METAL)));
  } else {
    pen.add(line(`M${500 - wide + 40} ${top + 190}C${500 - wide + 40} ${top + 60} ${500 + wide - 40} ${top + 60} ${500 + wide - 40} ${top + 190}`, css(lighter(main, -18)), 7), rect(500 - wide + 40, top + 186, 16, 44, 6, css(second)));
  }
};

const tote: Draw = (pen, { main, second }) => {
  const wide = pen.between(180, 220);
  const top = FLOOR - pen.between(340, 390);
  pen.shadow(500, FLOOR, wide * 1.05);
  const strap = css(pen.random() < 0.5 ? second : lighter(main, -12));
  pen.add(line(`M${500 - wide * 0.5} ${top + 60}C${500 - wide * 0.5} ${top - 200} ${500 + wide * 0.5} ${top - 200} ${500 + wide * 0.5} ${top + 60}`, strap, 24));
  pen.add(path(`M${500 - wide} ${top}H${500 + wide}L${500 + wide * 0.9} ${FLOOR - 22}Q${500 + wide * 0.88} ${FLOOR} ${500 + wide * 0.8} ${FLOOR}H${500 - wide * 0.8}Q${500 - wide * 0.88} ${FLOOR} ${500 - wide * 0.9} ${FLOOR - 22}Z`, pen.round(main)));
  pen.add(line(`M${500 - wide + 8} ${top + 26}H${500 + wide - 8}`, css(lighter(main, -18)), 4, 'stroke-dasharray="14 12"'));
  for (const side of [-1, 1]) pen.add(rect(500 + side * wide * 0.5 - 14, top - 6, 28, 110, 6, strap));
  if (pen.random() < 0.6) pen.add(ellipse(500, FLOOR - 140, 74, 74, css(second)), rect(426, FLOOR - 140, 148, 74, 0, css(lighter(second, -9))));
};

const headphones: Draw = (pen, { main, second }) => {
  const wide = pen.between(190, 220);
  const y = FLOOR - 180;
  const band = css(lighter(main, -10));
  pen.shadow(500, FLOOR, wide * 1.2);
  pen.add(line(`M${500 - wide} ${y}C${500 - wide - 10} ${y - 430} ${500 + wide + 10} ${y - 430} ${500 + wide} ${y}`, band, 40), line(`M${500 - wide * 0.7} ${y - 220}C${500 - wide * 0.5} ${y - 340} ${500 + wide * 0.5} ${y - 340} ${500 + wide * 0.7} ${y - 220}`, css(lighter(second, 2)), 22));
  for (const side of [-1, 1]) {
    const x = 500 + side * wide;
    pen.add(rect(x - side * 34 - 40, y - 120, 80, 270, 40, pen.round(lighter(second, -4))), rect(x + side * 14 - 52, y - 140, 104, 310, 52, pen.round(main)), ellipse(x + side * 22, y + 14, 22, 80, css(METAL), 'opacity=".7"'));
  }
};

const speaker: Draw = (pen, { main, second, wood }) => {
  const wide = pen.between(150, 210);
  const height = pen.between(330, 460);
  const top = FLOOR - height;
  const box = pen.random() < 0.5 ? wood : main;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(rect(500 - wide, top, wide * 2, height, pen.between(20, 70), pen.round(box)));
  const big = Math.min(wide * 0.72, height * 0.28);
  for (const [y, r] of [[FLOOR - big - 46, big], [top + big * 0.62 + 30, big * 0.5]] as const) {
    pen.add(ellipse(500, y, r, r, css(hsl(24, 8, 16))), ellipse(500, y, r * 0.86, r * 0.86, pen.gradient("glow", [0, lighter(second, -6)], [0.7, lighter(second, -18)], [1, hsl(24, 8, 18)])), ellipse(500, y, r * 0.3, r * 0.3, pen.round(METAL)));
  }
};

const watch: Draw = (pen, { main, second }) => {
  const size = pen.between(140, 170);
  const y = 520;
  const half = size * 0.62;
  const ink = css(hsl(24, 12, 14));
  pen.shadow(500, FLOOR + 20, 180, 26, 0.26);
  pen.add(rect(500 - half, y - 330, half * 2, 300, 26, pen.round(main)), rect(500 - half, y + 30, half * 2, 290, 26, pen.round(main)));
  for (const at of [200, 236, 272]) pen.add(ellipse(500, y + at, 9, 6, css(lighter(main, -24))));
  pen.add(rect(500 + size - 12, y - 20, 36, 40, 10, pen.round(METAL)), ellipse(500, y, size, size, pen.round(lighter(METAL, 8))), ellipse(500, y, size - 20, size - 20, pen.flat(pen.random() < 0.5 ? WHITE : lighter(second, -12))));
  const mark = pen.random() < 0.5 ? css(METAL) : ink;
  for (let hour = 0; hour < 12; hour++) pen.add(`<g transform="rotate(${hour * 30} 500 ${y})">${rect(496, y - size + 32, 8, hour % 3 ? 16 : 28, 4, mark)}</g>`);
  const turn = pen.between(0, 360);
  pen.add(`<g transform="rotate(${turn.toFixed(0)} 500 ${y})">${rect(495, y - size * 0.5, 10, size * 0.55, 5, mark)}</g><g transform="rotate(${((turn * 12) % 360).toFixed(0)} 500 ${y})">${rect(496, y - size * 0.7, 8, size * 0.76, 4, mark)}</g>`, ellipse(500, y, 11, 11, css(second)));
};

const notebook: Draw = (pen, { main, second, wood }) => {
  const tilt = pen.between(-9, 9);
  const y = 500;
  pen.shadow(500, FLOOR - 20, 220, 40, 0.3);
  pen.add(`<g transform="rotate(${(tilt * 0.6 + 7).toFixed(1)} 500 ${y})">${rect(330, y - 236, 350, 480, 18, pen.flat(second))}</g>`);
  pen.add(`<g transform="rotate(${tilt.toFixed(1)} 500 ${y})">${rect(322, y - 246, 372, 496, 16, css(WHITE))}${rect(312, y - 250, 372, 496, 16, pen.round(main))}${rect(312, y - 250, 44, 496, 14, css(lighter(main, -9)))}${rect(616, y - 250, 18, 496, 0, css(lighter(second, -4)))}${rect(410, y - 140, 160, 70, 8, css(lighter(main, 22)), 'opacity=".8"')}</g>`);
  pen.add(`<g transform="rotate(28 640 560)">${rect(630, 330, 26, 380, 13, pen.round(wood))}${path("M630 700h26l-13 44Z", css(hsl(24, 12, 20)))}</g>`);
};

export const SHAPES: Record<Kind, Draw> = {
  lamp, pendant, chair, stool, sofa, table, vase, mug, bowl, teapot, bottle, pot,
  cushion, blanket, clock, candle, plant, frame, backpack, tote, headphones, speaker, watch, notebook,
};
