/** Pictures that aren't on this device: another width of the same one if there is any, else a drawing that says so. */
import { CACHES } from "@/offline/caches";

const OPTIMIZER = "/_next/image";

/** Grey enough for light and for dark pages, on the ground of the frame that it stands in. */
const MISSING = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96" fill="none" stroke="#8a8378" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><rect x="30" y="34" width="36" height="28" rx="4"/><circle cx="41" cy="44" r="3"/><path d="m32 58 10-9 7 6 6-5 9 8"/></svg>`;

export async function instead(url: URL): Promise<Response> {
  return (
    (await otherWidth(url)) ??
    new Response(MISSING, { headers: { "content-type": "image/svg+xml", "cache-control": "no-store" } })
  );
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
