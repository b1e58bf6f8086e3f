/** Draws a product's picture when it is first asked for; next/image, the gateway and the browser keep what they got. */
import images from "@/generated/images.json";
import { designOf } from "@/images/designs";
import { picture } from "@/server/pictures";
import { VIEWS } from "@/shop/image-views";

export const dynamic = "force-dynamic";

interface Context {
  params: Promise<{ version: string; file: string }>;
}

export async function GET(_request: Request, { params }: Context): Promise<Response> {
  const { version, file } = await params;
  const [, name = "", asked] = /^([a-z]+-[a-z]+-\d)-([a-z]+)\.jpg$/.exec(file) ?? [];
  const design = designOf(name);
  const view = VIEWS.find((each) => each === asked);
  if (version !== images.version || !design || !view) return new Response("There is no such picture.", { status: 404 });
  const drawn = await picture(design, view);
  if (!drawn)
    return new Response("Too many pictures are being drawn.", { status: 503, headers: { "retry-after": "5" } });
  return new Response(new Uint8Array(drawn), { headers: { "content-type": "image/jpeg" } });
}
