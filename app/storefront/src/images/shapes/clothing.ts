import { css, lighter } from "../colour";
import { ellipse, FLOOR, line, type Pen, path, rect } from "../pen";
import { type Colours, type Draw, WHITE } from "./common";

/** Lies flat: a faint shadow all around instead of one on the table. */
const laid = (pen: Pen): void => pen.shadow(500, 560, 300, 250, 0.16);

function top(pen: Pen, { main, second }: Colours, sleeve: number, hem: number, style: number): void {
  laid(pen);
  const shoulder = 250;
  const reach = 330;
  const body = `M420 ${shoulder}Q500 ${shoulder + 54} 580 ${shoulder}L670 ${shoulder + 44}L${500 + reach} ${shoulder + sleeve}L${500 + reach - 104} ${shoulder + sleeve + 34}L668 ${shoulder + 190}V${hem}Q500 ${hem + 22} 332 ${hem}V${shoulder + 190}L${500 - reach + 104} ${shoulder + sleeve + 34}L${500 - reach} ${shoulder + sleeve}L330 ${shoulder + 44}Z`;
  pen.add(`<clipPath id="top"><path d="${body}"/></clipPath>`, path(body, pen.round(main)));
  const inside: string[] = [];
  if (style === 1) for (let y = shoulder + 120; y < hem; y += 76) inside.push(rect(120, y, 760, 26, 0, css(second)));
  if (style === 2) inside.push(rect(120, shoulder + 200, 760, 120, 0, css(second)));
  inside.push(rect(332, hem - 22, 336, 40, 0, css(lighter(main, -7))));
  pen.add(`<g clip-path="url(#top)">${inside.join("")}</g>`);
  pen.add(line(`M420 ${shoulder}Q500 ${shoulder + 54} 580 ${shoulder}`, css(lighter(main, -12)), 20));
  pen.add(
    line(
      `M668 ${shoulder + 190}L650 ${shoulder + 120}M332 ${shoulder + 190}L350 ${shoulder + 120}`,
      css(lighter(main, -12)),
      5,
    ),
  );
}

export const shirt: Draw = (pen, colours) =>
  top(pen, colours, 190, pen.between(700, 750), Math.floor(pen.between(0, 3)));

export const sweater: Draw = (pen, colours) =>
  top(pen, colours, 440, pen.between(710, 750), pen.random() < 0.5 ? 0 : 2);

export const trousers: Draw = (pen, { main, second }) => {
  laid(pen);
  const hem = 850;
  const flare = pen.between(-24, 22);
  pen.add(
    path(
      `M366 190H634L${668 + flare} ${hem}H${548 + flare * 0.4}L502 400L${452 - flare * 0.4} ${hem}H${332 - flare}Z`,
      pen.round(main),
    ),
  );
  pen.add(
    rect(366, 186, 268, 40, 8, css(lighter(main, -8))),
    line("M500 226V400", css(lighter(main, -14)), 5),
    line("M380 230Q384 296 430 300M620 230Q616 296 570 300", css(lighter(main, -12)), 5),
    ellipse(500, 206, 9, 9, css(second)),
  );
};

export const shoe: Draw = (pen, { main, second }) => {
  const high = pen.random() < 0.35;
  const top = high ? 420 : 540;
  const sole = pen.between(40, 66);
  pen.shadow(500, FLOOR, 310, 40);
  pen.add(
    path(
      `M250 ${top}H${high ? 430 : 400}C440 ${top + 90} 560 ${FLOOR - 150} 700 ${FLOOR - 130}C770 ${FLOOR - 116} 790 ${FLOOR - 80} 790 ${FLOOR - sole + 8}H226C226 ${FLOOR - 140} 250 ${FLOOR - 160} 250 ${top}Z`,
      pen.round(main),
    ),
  );
  pen.add(
    path(
      `M660 ${FLOOR - 136}C770 ${FLOOR - 124} 790 ${FLOOR - 80} 790 ${FLOOR - sole + 8}H640Q620 ${FLOOR - 100} 660 ${FLOOR - 136}Z`,
      css(lighter(main, 8)),
      'opacity=".6"',
    ),
    path(`M226 ${FLOOR - sole}q10 -90 40 -110q40 60 30 110Z`, css(second)),
  );
  for (let lace = 0; lace < 4; lace++)
    pen.add(line(`M${430 + lace * 46} ${FLOOR - 220 + lace * 26}l46 -40`, css(WHITE), 13));
  pen.add(
    rect(216, FLOOR - sole, 588, sole, sole / 2, pen.flat(WHITE)),
    rect(216, FLOOR - 16, 588, 16, 8, css(lighter(second, -6))),
  );
};

export const socks: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 250, 34);
  for (const [x, colour] of [
    [110, lighter(main, -7)],
    [-20, main],
  ] as const) {
    const d = `M${400 + x} 300H${530 + x}V600C${530 + x} 660 ${640 + x} 660 ${680 + x} 700C${710 + x} 736 ${690 + x} ${FLOOR} ${620 + x} ${FLOOR}H${470 + x}C${410 + x} ${FLOOR} ${400 + x} 720 ${400 + x} 660Z`;
    pen.add(
      path(d, pen.round(colour)),
      rect(394 + x, 292, 142, 62, 16, pen.round(lighter(second, 2))),
      rect(400 + x, 410, 130, 26, 0, css(second)),
      rect(400 + x, 460, 130, 26, 0, css(second)),
    );
  }
};

export const hat: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 240, 34);
  pen.add(
    ellipse(500, FLOOR - 60, 330, 66, pen.round(main)),
    path(
      `M330 ${FLOOR - 80}C330 480 400 470 500 470S670 480 670 ${FLOOR - 80}Q500 ${FLOOR - 40} 330 ${FLOOR - 80}Z`,
      pen.round(lighter(main, 4)),
    ),
    path(
      `M330 ${FLOOR - 140}Q500 ${FLOOR - 96} 670 ${FLOOR - 140}V${FLOOR - 80}Q500 ${FLOOR - 36} 330 ${FLOOR - 80}Z`,
      css(second),
    ),
  );
};

export const scarf: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 260, 34);
  for (const [x, tail] of [
    [420, 330],
    [545, 250],
  ] as const) {
    pen.add(rect(x - 62, 450, 124, tail, 14, pen.round(lighter(main, x > 500 ? -6 : 0))));
    for (let y = 500; y < 440 + tail; y += 70) pen.add(rect(x - 62, y, 124, 22, 0, css(second)));
    for (let at = x - 54; at < x + 60; at += 18) pen.add(line(`M${at} ${450 + tail}v34`, css(lighter(main, -4)), 6));
  }
  pen.add(
    path("M300 430C300 300 700 300 700 430C700 540 600 560 500 560S300 540 300 430Z", pen.round(main)),
    path("M390 420C390 370 610 370 610 420C610 470 390 470 390 420Z", css(lighter(main, -18))),
  );
};
