/** Draws a product's picture when it is first asked for; next/image, the gateway and the browser keep what they got. */
import { designOf } from "@/images/designs";
import { jpeg } from "@/images/render";
import { VIEWS } from "@/shop/image-views";

export const dynamic = "force-dynamic";

interface Context {
  params: Promise<{ version: string; file: string }>;
}

export async function GET(_request: Request, { params }: Context): Promise<Response> {
  const [, name = "", asked] = /^([a-z]+-[a-z]+-\d)-([a-z]+)\.jpg$/.exec((await params).file) ?? [];
  const design = designOf(name);
  const view = VIEWS.find((each) => each === asked);
  if (!design || !view) return new Response("There is no such picture.", { status: 404 });
  return new Response(new Uint8Array(await jpeg(design, view)), { headers: { "content-type": "image/jpeg" } });
}
