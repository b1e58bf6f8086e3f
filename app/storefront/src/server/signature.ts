import { createHmac, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";

/** A captured request can't be replayed later than this. */
const LONGEST_AGE_SECONDS = 300;

/**
 * True if `header` (`t=<unix seconds>,v1=<hex>`) is a signature of `<t>.<body>` by one of our keys, made a moment ago.
 */
export async function isSigned(body: string, header: string, now = Date.now()): Promise<boolean> {
  const match = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header);
  const [, time, given] = match ?? [];
  if (!time || !given || Math.abs(now / 1000 - Number(time)) > LONGEST_AGE_SECONDS) return false;
  const signature = Buffer.from(given, "hex");
  return (await keys()).some((key) =>
    timingSafeEqual(createHmac("sha256", key).update(`${time}.${body}`).digest(), signature),
  );
}

/** One a line: two while one is replaced. Read each time: a mounted secret changes while the shop runs. */
async function keys(): Promise<string[]> {
  const file = process.env.REVALIDATION_KEY_FILE;
  if (!file) throw new Error("REVALIDATION_KEY_FILE is not set: it must name the file with the webhook's key");
  const keys = (await readFile(file, "utf8")).split("\n").filter(Boolean);
  if (keys.length === 0) throw new Error(`REVALIDATION_KEY_FILE: ${file} is empty`);
  return keys;
}
