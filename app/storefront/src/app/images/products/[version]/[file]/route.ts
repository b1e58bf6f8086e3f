/** A picture at its address, for whoever follows a link to it: as JPEG, as wide as there is. */
import { WIDEST } from "@/images/render";
import { pictureResponse } from "@/server/picture-response";

export const dynamic = "force-dynamic";

interface Context {
  params: Promise<{ version: string; file: string }>;
}

export async function GET(request: Request, { params }: Context): Promise<Response> {
  const { version, file } = await params;
  return await pictureResponse(request, `/images/products/${version}/${file}`, WIDEST, "jpeg");
}
