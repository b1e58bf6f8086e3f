import { css, lighter } from "../colour";
import { ellipse, FLOOR, line, type Pen, path, rect } from "../pen";
import { type Colours, type Draw, METAL, WHITE } from "./common";

/** Lies flat: a faint shadow all around instead of one on the table. */
const laid = (pen: Pen): void => pen.shadow(500, 560, 300, 250, 0.16);

/** The same on the right as on the left. */
const pair = (draw: (side: -1 | 1) => string): string[] => [draw(-1), draw(1)];

export const swimsuit: Draw = (pen, { main, second }) => {
  laid(pen);
  const low = pen.between(420, 470);
  pen.add(
    path(
      `M372 220H408C408 ${low - 40} 440 ${low} 500 ${low}S592 ${low - 40} 592 220H628C622 420 640 470 632 560C628 640 660 690 664 720C590 730 556 800 548 850H452C444 800 410 730 336 720C340 690 372 640 368 560C360 470 378 420 372 220Z`,
      pen.round(main),
    ),
    line(`M408 224C408 ${low - 40} 440 ${low} 500 ${low}S592 ${low - 40} 592 224`, css(lighter(second, 4)), 12),
    path("M369 548Q500 586 631 548L632 600Q500 640 368 600Z", css(second)),
  );
};

export const shorts: Draw = (pen, { main, second }) => {
  laid(pen);
  const flare = pen.between(10, 40);
  pen.add(
    path(
      `M352 300H648L${690 + flare} 700Q610 724 520 704L502 520L480 704Q390 724 ${310 - flare} 700Z`,
      pen.round(main),
    ),
    rect(352, 296, 296, 46, 12, css(lighter(main, -8))),
    line("M486 340q-20 70 -34 92M514 340q20 70 34 92", css(lighter(second, 10)), 9),
    ...pair((side) => line(`M${500 + side * 160} 420L${500 + side * (182 + flare)} 690`, css(second), 14)),
  );
};

export const briefs: Draw = (pen, { main, second }) => {
  laid(pen);
  const high = pen.between(400, 440);
  pen.add(
    path(`M320 ${high}H680L700 ${high + 120}Q580 560 560 700H440Q420 560 300 ${high + 120}Z`, pen.round(main)),
    rect(316, high - 8, 368, 50, 12, css(second)),
    line(`M440 690Q420 560 306 ${high + 116}M560 690Q580 560 694 ${high + 116}`, css(lighter(main, -14)), 8),
  );
};

export const tights: Draw = (pen, { main }) => {
  laid(pen);
  const apart = pen.between(10, 40);
  pen.add(
    path(
      `M400 190H600Q632 330 ${590 + apart} 520L${572 + apart} 800Q${640 + apart} 830 ${630 + apart} 860H${530 + apart}Q${520 + apart} 600 500 420Q${480 - apart} 600 ${470 - apart} 860H${370 - apart}Q${360 - apart} 830 ${428 - apart} 800L${410 - apart} 520Q368 330 400 190Z`,
      pen.round(main),
    ),
    rect(396, 184, 208, 34, 12, css(lighter(main, -10))),
    line("M500 218V420", css(lighter(main, -8)), 4),
  );
};

/** A top that is buttoned or zipped down the middle. */
function opened(pen: Pen, { main, second }: Colours, hem: number, hooded: boolean, zip: boolean): void {
  laid(pen);
  if (hooded)
    pen.add(
      path("M392 290C380 150 620 150 608 290Q500 340 392 290Z", pen.round(lighter(main, -4))),
      path("M424 284C420 200 580 200 576 284Q500 316 424 284Z", css(lighter(main, -18))),
    );
  pen.add(
    path(
      `M410 256Q500 316 590 256L672 296L836 668L732 712L668 470V${hem}Q500 ${hem + 22} 332 ${hem}V470L268 712L164 668L328 296Z`,
      pen.round(main),
    ),
    line(`M668 470L650 370M332 470L350 370`, css(lighter(main, -12)), 5),
    line(`M500 288V${hem + 8}`, css(zip ? lighter(METAL, 8) : lighter(main, -16)), zip ? 14 : 6),
    rect(332, hem - 26, 336, 40, 0, css(lighter(main, -8))),
  );
  if (zip)
    pen.add(
      rect(490, 330, 20, 46, 8, css(second)),
      ...pair((side) => line(`M${500 + side * 70} 600l${side * 66} -40`, css(lighter(main, -18)), 12)),
    );
  else for (let y = 350; y < hem - 30; y += 80) pen.add(ellipse(514, y, 10, 10, css(second)));
}

export const jacket: Draw = (pen, colours) => opened(pen, colours, pen.between(700, 780), false, true);

export const parka: Draw = (pen, colours) => opened(pen, colours, pen.between(760, 830), true, true);

export const hoodie: Draw = (pen, colours) => {
  opened(pen, colours, pen.between(710, 740), true, true);
  pen.add(line("M470 300v110M530 300v110", css(WHITE), 10));
};

export const cardigan: Draw = (pen, colours) => opened(pen, colours, pen.between(710, 760), false, false);

export const vest: Draw = (pen, { main, second }) => {
  laid(pen);
  const hem = pen.between(730, 780);
  pen.add(
    path(
      `M372 230H420Q430 350 500 350T580 230H628Q630 400 690 450L676 ${hem}Q500 ${hem + 22} 324 ${hem}L310 450Q370 400 372 230Z`,
      pen.round(main),
    ),
    line("M420 232Q430 350 500 350T580 232", css(lighter(second, 2)), 14),
    line("M374 234Q370 400 312 450M626 234Q630 400 688 450", css(lighter(second, 2)), 12),
    rect(324, hem - 24, 352, 34, 0, css(lighter(main, -8))),
  );
};

export const gilet: Draw = (pen, colours) => {
  const { main } = colours;
  vest(pen, colours);
  for (let y = 480; y < 720; y += 72) pen.add(line(`M322 ${y}Q500 ${y + 22} 678 ${y}`, css(lighter(main, -12)), 8));
  pen.add(line("M500 352V770", css(lighter(METAL, 8)), 14));
};

export const gloves: Draw = (pen, { main, second }) => {
  laid(pen);
  const wide = pen.between(0, 16);
  for (const [x, turn, colour] of [
    [350, -10, lighter(main, -5)],
    [600, 12, main],
  ] as const) {
    const fingers = [-66, -24, 20, 62].map((at, index) =>
      rect(x + at - 20, [330, 286, 290, 340][index] ?? 300, 40 + wide / 4, 240, 20, pen.round(colour)),
    );
    const thumb = x < 500 ? 1 : -1;
    pen.add(
      `<g transform="rotate(${turn} ${x} 560)">${fingers.join("")}${rect(x - 90, 470, 176, 200, 50, pen.round(colour))}${line(`M${x + thumb * 66} 600L${x + thumb * 136} 500`, css(lighter(colour, -3)), 50)}${rect(x - 84, 650, 166, 110, 20, pen.round(second))}</g>`,
    );
  }
};

export const beanie: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 240, 34);
  pen.add(path(`M290 ${FLOOR - 110}C280 350 720 350 710 ${FLOOR - 110}Z`, pen.round(main)));
  for (let x = 330; x < 700; x += 42)
    pen.add(
      line(
        `M${x} ${FLOOR - 130}Q${500 + (x - 500) * 0.75} 560 ${500 + (x - 500) * 0.35} 470`,
        css(lighter(main, -9)),
        5,
      ),
    );
  pen.add(rect(276, FLOOR - 140, 448, 136, 34, pen.round(lighter(main, 6))));
  if (pen.random() < 0.6) pen.add(ellipse(500, 430, 62, 58, pen.round(second)));
};

export const cap: Draw = (pen, { main, second }) => {
  pen.shadow(520, FLOOR, 280, 36);
  const high = pen.between(420, 470);
  pen.add(
    path(`M280 ${FLOOR - 60}C270 ${high} 660 ${high} 660 ${FLOOR - 60}Z`, pen.round(main)),
    path(
      `M640 ${FLOOR - 110}C760 ${FLOOR - 116} 830 ${FLOOR - 70} 836 ${FLOOR - 30}C740 ${FLOOR - 56} 640 ${FLOOR - 50} 500 ${FLOOR - 56}Q620 ${FLOOR - 70} 640 ${FLOOR - 110}Z`,
      pen.round(second),
    ),
    line(`M470 ${FLOOR - 60}Q440 620 470 ${high + 80}`, css(lighter(main, -12)), 5),
    ellipse(470, high + 82, 18, 12, css(second)),
    rect(276, FLOOR - 74, 392, 26, 10, css(lighter(main, -10))),
  );
};

export const boot: Draw = (pen, { main, second }) => {
  const top = pen.between(320, 400);
  const sole = pen.between(46, 70);
  pen.shadow(500, FLOOR, 310, 40);
  pen.add(
    path(
      `M280 ${top}H476C480 ${top + 150} 540 ${FLOOR - 190} 690 ${FLOOR - 160}C780 ${FLOOR - 140} 800 ${FLOOR - 90} 800 ${FLOOR - sole + 8}H250C246 ${FLOOR - 200} 280 ${FLOOR - 240} 280 ${top}Z`,
      pen.round(main),
    ),
    rect(272, top - 14, 212, 50, 22, pen.round(second)),
    rect(236, FLOOR - sole, 578, sole, 20, pen.flat(lighter(second, -10))),
    line(`M258 ${FLOOR - 160}H420`, css(lighter(main, -14)), 8),
  );
  for (let lace = 0; lace < 5; lace++)
    pen.add(line(`M${410 + lace * 12} ${top + 80 + lace * 52}l74 -14`, css(WHITE), 12));
};

export const sandal: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 310, 40);
  const strap = pen.between(90, 120);
  pen.add(
    path(
      `M210 ${FLOOR - 74}Q360 ${FLOOR - 90} 500 ${FLOOR - 60}T806 ${FLOOR - 62}V${FLOOR - 14}Q804 ${FLOOR} 780 ${FLOOR}H234Q210 ${FLOOR} 210 ${FLOOR - 20}Z`,
      pen.flat(second),
    ),
    line(`M620 ${FLOOR - 60}Q640 ${FLOOR - 60 - strap * 1.8} 740 ${FLOOR - 66}`, css(main), 64),
    line(
      `M250 ${FLOOR - 80}Q260 ${FLOOR - 300} 360 ${FLOOR - 290}Q420 ${FLOOR - 220} 430 ${FLOOR - 74}`,
      css(lighter(main, -5)),
      46,
    ),
    rect(380, FLOOR - 290, 46, 40, 8, css(METAL)),
  );
};

export const slipper: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 310, 40);
  const high = pen.between(150, 190);
  pen.add(
    rect(206, FLOOR - 44, 596, 44, 20, pen.flat(lighter(second, -6))),
    path(
      `M214 ${FLOOR - 44}C200 ${FLOOR - 150} 250 ${FLOOR - 170} 300 ${FLOOR - 130}Q380 ${FLOOR - 90} 440 ${FLOOR - 110}Z`,
      pen.round(lighter(main, -8)),
    ),
    path(
      `M400 ${FLOOR - 44}Q410 ${FLOOR - high} 520 ${FLOOR - high}C660 ${FLOOR - high} 800 ${FLOOR - 130} 800 ${FLOOR - 44}Z`,
      pen.round(main),
    ),
    line(`M404 ${FLOOR - 60}Q420 ${FLOOR - high + 10} 524 ${FLOOR - high + 4}`, css(lighter(second, 10)), 26),
  );
};

export const pouch: Draw = (pen, { main, second }) => {
  pen.shadow(500, FLOOR, 240, 36);
  const tall = pen.between(230, 290);
  const top = FLOOR - tall;
  pen.add(
    line(`M290 ${top + 40}C250 160 750 160 710 ${top + 40}`, css(lighter(second, -4)), 24),
    rect(270, top, 460, tall, 70, pen.round(main)),
    path(
      `M270 ${top + 70}Q270 ${top} 340 ${top}H660Q730 ${top} 730 ${top + 70}V${top + tall * 0.5}Q500 ${top + tall * 0.66} 270 ${top + tall * 0.5}Z`,
      pen.round(lighter(main, -6)),
    ),
    rect(462, top + tall * 0.5, 76, 46, 12, pen.round(METAL)),
  );
};
