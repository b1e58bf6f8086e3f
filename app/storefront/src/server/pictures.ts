/** Pictures as they are drawn: each once for everybody who asks meanwhile, a few at a time, and the latest are kept. */
import type { Design } from "../images/designs";
import { jpeg } from "../images/render";
import type { View } from "../shop/image-views";

/** Bytes of drawn pictures that a process keeps, for the widths and formats that are made of each. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Drawing takes a core for half a second; pages need theirs too. */
const MOST_AT_ONCE = 2;
/** Whoever comes after so many is asked to come again. */
const MOST_WAITING = 100;

const kept = new Map<string, Buffer>();
const drawing = new Map<string, Promise<Buffer>>();
const waiting: (() => void)[] = [];
let size = 0;
let busy = 0;

/** The picture; undefined while more are asked for than can be drawn. */
export async function picture(design: Design, view: View): Promise<Buffer | undefined> {
  const key = `${design.kind}-${design.colour}-${design.variation}-${view}`;
  const known = kept.get(key);
  if (known) {
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  let drawn = drawing.get(key);
  if (!drawn) {
    if (waiting.length >= MOST_WAITING) return undefined;
    drawn = draw(key, design, view).finally(() => drawing.delete(key));
    drawing.set(key, drawn);
  }
  return await drawn;
}

async function draw(key: string, design: Design, view: View): Promise<Buffer> {
  if (busy >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  busy += 1;
  try {
    const drawn = await jpeg(design, view);
    kept.set(key, drawn);
    size += drawn.length;
    for (const [oldest, bytes] of kept) {
      if (size <= MOST_BYTES) break;
      kept.delete(oldest);
      size -= bytes.length;
    }
    return drawn;
  } finally {
    busy -= 1;
    waiting.shift()?.();
  }
}
