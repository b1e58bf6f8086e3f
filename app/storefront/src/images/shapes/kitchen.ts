import { css, hsl, lighter } from "../colour";
import { ellipse, FLOOR, line, path, rect } from "../pen";
import { type Draw, WHITE } from "./common";

export const mug: Draw = (pen, { main, second }) => {
  const wide = pen.between(130, 165);
  const height = pen.between(240, 310);
  const taper = pen.between(0, 34);
  const top = FLOOR - height;
  pen.shadow(500, FLOOR, wide * 1.15);
  pen.add(
    line(
      `M${500 + wide - 10} ${top + 56}C${500 + wide + 120} ${top + 40} ${500 + wide + 120} ${FLOOR - 70} ${500 + wide - taper} ${FLOOR - 76}`,
      css(lighter(main, -8)),
      34,
    ),
  );
  pen.add(
    path(
      `M${500 - wide} ${top}L${500 - wide + taper} ${FLOOR - 20}Q500 ${FLOOR + 22} ${500 + wide - taper} ${FLOOR - 20}L${500 + wide} ${top}Z`,
      pen.round(main),
    ),
  );
  if (pen.random() < 0.6) {
    const band = top + height * pen.between(0.5, 0.66);
    const inset = (taper * (band - top)) / height;
    pen.add(
      path(
        `M${500 - wide + inset} ${band}Q500 ${band + 42} ${500 + wide - inset} ${band}L${500 + wide - taper} ${FLOOR - 20}Q500 ${FLOOR + 22} ${500 - wide + taper} ${FLOOR - 20}Z`,
        pen.round(second),
      ),
    );
  }
  pen.add(
    ellipse(500, top, wide, wide * 0.2, css(lighter(main, 8))),
    ellipse(500, top + 4, wide - 16, wide * 0.16, css(lighter(main, -16))),
    ellipse(500, top + 12, wide - 26, wide * 0.12, css(hsl(22, 50, 24))),
  );
};

export const bowl: Draw = (pen, { main, second }) => {
  const stack = 1 + Math.floor(pen.random() * 3);
  pen.shadow(500, FLOOR, 230);
  for (let each = 0; each < stack; each++) {
    const colour = each % 2 ? second : main;
    const wide = 240 - each * 18;
    const top = FLOOR - 150 - each * 74;
    pen.add(
      path(
        `M${500 - wide} ${top}C${500 - wide * 0.94} ${top + 110} ${500 - wide * 0.5} ${top + 150} 420 ${top + 150}H580C${500 + wide * 0.5} ${top + 150} ${500 + wide * 0.94} ${top + 110} ${500 + wide} ${top}Z`,
        pen.round(colour),
      ),
    );
    pen.add(
      ellipse(500, top, wide, wide * 0.18, css(lighter(colour, 10))),
      ellipse(500, top + 5, wide - 16, wide * 0.15, pen.flat(lighter(colour, -12))),
    );
  }
};

export const teapot: Draw = (pen, { main, wood }) => {
  const wide = pen.between(160, 200);
  const tall = pen.between(110, 140);
  const y = FLOOR - tall - 6;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(
    path(
      `M${500 + wide * 0.8} ${y + 50}C${500 + wide + 70} ${y + 40} ${500 + wide + 40} ${y - 60} ${500 + wide + 120} ${y - 96}L${500 + wide + 146} ${y - 74}C${500 + wide + 100} ${y - 20} ${500 + wide + 100} ${y + 90} ${500 + wide * 0.7} ${y + 96}Z`,
      pen.flat(lighter(main, -8)),
    ),
  );
  const over = pen.random() < 0.5;
  pen.add(
    over
      ? line(
          `M${500 - wide * 0.7} ${y - tall * 0.6}C${500 - wide * 0.8} ${y - tall - 190} ${500 + wide * 0.8} ${y - tall - 190} ${500 + wide * 0.7} ${y - tall * 0.6}`,
          css(wood),
          26,
        )
      : line(
          `M${500 - wide * 0.85} ${y - 56}C${500 - wide - 130} ${y - 90} ${500 - wide - 130} ${y + 80} ${500 - wide * 0.85} ${y + 56}`,
          css(lighter(main, -6)),
          30,
        ),
  );
  pen.add(
    ellipse(500, y, wide, tall, pen.round(main)),
    ellipse(500, y - tall + 14, wide * 0.5, 26, pen.round(lighter(main, -6))),
    rect(480, y - tall - 34, 40, 38, 18, pen.round(wood)),
  );
  pen.add(ellipse(430, y - 50, 34, 44, css(WHITE), 'opacity=".22"'));
};

export const bottle: Draw = (pen, { main, second, wood }) => {
  const wide = pen.between(78, 108);
  const height = pen.between(400, 500);
  const top = FLOOR - height;
  const shoulder = pen.between(90, 150);
  pen.shadow(500, FLOOR, wide * 1.2);
  pen.add(
    path(
      `M462 ${top + 30}C462 ${top + shoulder} ${500 - wide} ${top + shoulder * 0.7} ${500 - wide} ${top + shoulder + 60}V${FLOOR - 30}Q${500 - wide} ${FLOOR} ${500 - wide + 30} ${FLOOR}H${500 + wide - 30}Q${500 + wide} ${FLOOR} ${500 + wide} ${FLOOR - 30}V${top + shoulder + 60}C${500 + wide} ${top + shoulder * 0.7} 538 ${top + shoulder} 538 ${top + 30}Z`,
      pen.round(main),
    ),
  );
  pen.add(rect(452, top - 20, 96, 62, 16, pen.round(pen.random() < 0.5 ? wood : second)));
  pen.add(rect(500 - wide, FLOOR - 190, wide * 2, 74, 0, pen.round(second), 'opacity=".85"'));
};

export const pot: Draw = (pen, { main, wood }) => {
  const wide = pen.between(190, 230);
  const height = pen.between(170, 240);
  const top = FLOOR - height;
  pen.shadow(500, FLOOR, wide * 1.1);
  pen.add(
    rect(500 - wide - 74, top + 40, 110, 40, 20, pen.flat(lighter(main, -14))),
    rect(500 + wide - 36, top + 40, 110, 40, 20, pen.flat(lighter(main, -14))),
  );
  pen.add(
    path(
      `M${500 - wide} ${top}V${FLOOR - 60}Q${500 - wide} ${FLOOR} ${500 - wide + 60} ${FLOOR}H${500 + wide - 60}Q${500 + wide} ${FLOOR} ${500 + wide} ${FLOOR - 60}V${top}Z`,
      pen.round(main),
    ),
  );
  pen.add(
    path(
      `M${500 - wide - 10} ${top + 8}C${500 - wide} ${top - 90} ${500 + wide} ${top - 90} ${500 + wide + 10} ${top + 8}Z`,
      pen.round(lighter(main, 4)),
    ),
    rect(500 - wide - 12, top - 2, wide * 2 + 24, 20, 10, pen.round(lighter(main, -8))),
  );
  pen.add(rect(464, top - 108, 72, 46, 22, pen.round(wood)));
};
