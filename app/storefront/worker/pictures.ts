/** Pictures that aren't on this device: another width of the same one if there is any, else the product's colours, blurred. */
import { CACHES } from "@/offline/caches";
import { database } from "@/offline/database";
import { bitmap } from "@/shop/blurhash";

const OPTIMIZER = "/_next/image";
/** How long what is known of the catalogue's pictures is good enough. */
const KNOWN_MS = 60_000;

/** For what this device knows nothing of: grey enough for light and for dark pages, on the ground of its frame. */
const MISSING = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96" fill="none" stroke="#8a8378" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><rect x="30" y="34" width="36" height="28" rx="4"/><circle cx="41" cy="44" r="3"/><path d="m32 58 10-9 7 6 6-5 9 8"/></svg>`;

export async function instead(url: URL): Promise<Response> {
  return (await otherWidth(url)) ?? (await blurred(url)) ?? drawn(new Blob([MISSING]), "image/svg+xml");
}

const drawn = (body: BodyInit, type: string): Response =>
  new Response(body, { headers: { "content-type": type, "cache-control": "no-store" } });

let known: { at: number; hashes: Promise<Map<string, string>> } | undefined;

/** Blur hashes by the design that a picture's address names. */
function hashes(): Promise<Map<string, string>> {
  if (!known || Date.now() - known.at > KNOWN_MS) known = { at: Date.now(), hashes: readHashes() };
  return known.hashes;
}

const readHashes = async (): Promise<Map<string, string>> =>
  new Map((await database((db) => db.getAll("products"))).map(({ image, blurhash }) => [image, blurhash]));

async function blurred(url: URL): Promise<Response | undefined> {
  const [, design = ""] = /\/([a-z]+-[a-z]+-\d)-[a-z]+\.jpg$/.exec(url.searchParams.get("url") ?? "") ?? [];
  const hash = await hashes().then(
    (found) => found.get(design),
    () => undefined,
  );
  const bytes = hash ? bitmap(hash) : undefined;
  return bytes && drawn(bytes, "image/bmp");
}

/** The widest copy of the same picture. */
async function otherWidth(url: URL): Promise<Response | undefined> {
  if (url.pathname !== OPTIMIZER) return undefined;
  const cache = await caches.open(CACHES.images);
  const copies = (await cache.keys()).filter((copy) => isOf(new URL(copy.url), url.searchParams.get("url")));
  const [widest] = copies.toSorted((a, b) => widthOf(b) - widthOf(a));
  return widest ? cache.match(widest) : undefined;
}

const isOf = (copy: URL, source: string | null): boolean =>
  copy.pathname === OPTIMIZER && copy.searchParams.get("url") === source;
const widthOf = (copy: Request): number => Number(new URL(copy.url).searchParams.get("w"));
