/** What next/image asks for: a picture in one of its widths, in the best format that the browser takes. */
import { noPicture, pictureResponse } from "@/server/picture-response";
import { CARD_WIDTHS, PAGE_WIDTHS, QUALITY } from "@/shop/image-views";

export const dynamic = "force-dynamic";

/** The only address of this: next.config.ts leads from there to here. */
const ADDRESS = "/_next/image";
const PARAMETERS = ["url", "w", "q"];

export async function GET(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const width = [...CARD_WIDTHS, ...PAGE_WIDTHS].find((each) => String(each) === searchParams.get("w"));
  const url = searchParams.get("url");
  const onlySpelling = pathname === ADDRESS && PARAMETERS.every((name) => searchParams.getAll(name).length === 1);
  if (!onlySpelling || !url || !width || searchParams.get("q") !== String(QUALITY)) return noPicture();
  const accept = request.headers.get("accept") ?? "";
  const format = accept.includes("image/avif") ? "avif" : accept.includes("image/webp") ? "webp" : "jpeg";
  const response = await pictureResponse(request, url, width, format);
  response.headers.set("vary", "Accept");
  return response;
}
