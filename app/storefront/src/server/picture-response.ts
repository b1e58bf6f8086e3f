/** A product's picture as a response. */
import { createHash } from "node:crypto";
import images from "@/generated/images.json";
import { designOf } from "@/images/designs";
import { FORMATS, type Format } from "@/images/render";
import { VIEWS } from "@/shop/image-views";
import { picture } from "./pictures";

/** As the caching policy has them; next.config.ts fills them in. */
const KEPT = JSON.parse(process.env.PICTURE_HEADERS ?? "[]") as { key: string; value: string }[];
const UNKEPT = { "cache-control": "private, no-store", "cloudflare-cdn-cache-control": "no-store" };
const NAME = /^\/images\/products\/([0-9a-f]+)\/([a-z]+-[a-z]+-\d)-([a-z]+)\.jpg$/;

export const noPicture = (): Response => new Response("There is no such picture.", { status: 404, headers: UNKEPT });

/** The picture of that address, `width` pixels wide; any but the only spelling of an address is a 404. */
export async function pictureResponse(
  request: Request,
  address: string,
  width: number,
  format: Format,
): Promise<Response> {
  const [, version, name = "", asked] = NAME.exec(address) ?? [];
  const design = designOf(name);
  const view = VIEWS.find((each) => each === asked);
  if (version !== images.version || !design || !view) return noPicture();
  const found = await picture(design, view, width, format);
  if (!found)
    return new Response("Too many pictures are being drawn.", {
      status: 503,
      headers: { ...UNKEPT, "retry-after": "5" },
    });
  const headers = new Headers(found.best ? KEPT.map(({ key, value }): [string, string] => [key, value]) : UNKEPT);
  headers.set("content-type", FORMATS[found.format]);
  const etag = `"${createHash("sha256").update(found.bytes).digest("base64url").slice(0, 22)}"`;
  headers.set("etag", etag);
  const known = request.headers
    .get("if-none-match")
    ?.split(",")
    .map((each) => each.trim().replace(/^W\//, ""));
  if (known?.some((each) => each === etag || each === "*")) return new Response(null, { status: 304, headers });
  headers.set("content-length", String(found.bytes.length));
  return new Response(new Uint8Array(found.bytes), { headers });
}
