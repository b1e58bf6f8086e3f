import { createHmac, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";

/** A captured request can't be replayed later than this. */
const LONGEST_AGE_SECONDS = 300;

/** True if `header` (`t=<unix seconds>,v1=<hex>`) is our key's signature of `<t>.<body>`, made a moment ago. */
export async function isSigned(body: string, header: string, now = Date.now()): Promise<boolean> {
  const match = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header);
  const [, time, given] = match ?? [];
  if (!time || !given || Math.abs(now / 1000 - Number(time)) > LONGEST_AGE_SECONDS) return false;
  const expected = createHmac("sha256", await key())
    .update(`${time}.${body}`)
    .digest();
  return timingSafeEqual(expected, Buffer.from(given, "hex"));
}

/** Read each time: a mounted secret changes while the shop runs. */
async function key(): Promise<string> {
  const file = process.env.REVALIDATION_KEY_FILE;
  if (!file) throw new Error("REVALIDATION_KEY_FILE is not set: it must name the file with the webhook's key");
  const key = (await readFile(file, "utf8")).trim();
  if (!key) throw new Error(`REVALIDATION_KEY_FILE: ${file} is empty`);
  return key;
}
