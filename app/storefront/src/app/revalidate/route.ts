/**
 * The webhook of the invalidation worker: throws away what the given tags mark, at once, in every pod.
 *
 * `POST /revalidate`, JSON `{"tags": ["product:12", …]}`, signed with the shared key: `X-Signature: t=<unix seconds>,v1=<hex>`,
 * an HMAC-SHA-256 of `<t>.<body>`. An old or a wrong signature is 401 and changes nothing.
 */
import { revalidateTag } from "next/cache";
import { tellPeers } from "@/server/peers";
import { isSigned } from "@/server/signature";

export const dynamic = "force-dynamic";

const MOST_TAGS = 1_000;

export async function POST(request: Request): Promise<Response> {
  const body = await request.text();
  const signature = request.headers.get("x-signature") ?? "";
  if (!(await isSigned(body, signature))) return problem(401, "The signature is missing, wrong or too old.");

  const tags = tagsOf(body);
  if (!tags) return problem(400, `The body must be {"tags": […]} with 1 to ${MOST_TAGS} texts.`);
  for (const tag of tags) revalidateTag(tag, { expire: 0 });

  // A peer that wasn't told would go on serving the old page: the worker has to come again.
  const missed = await tellPeers(request.headers, body, signature);
  if (missed.length) return problem(503, `${missed.length} other storefront pods couldn't be told.`);
  return Response.json({ revalidated: tags.length }, { headers: { "cache-control": "no-store" } });
}

function tagsOf(body: string): string[] | undefined {
  let tags: unknown;
  try {
    tags = (JSON.parse(body) as { tags?: unknown }).tags;
  } catch {
    return undefined;
  }
  const valid =
    Array.isArray(tags) && tags.length > 0 && tags.length <= MOST_TAGS && tags.every((tag) => typeof tag === "string");
  return valid ? (tags as string[]) : undefined;
}

const problem = (status: number, detail: string): Response =>
  Response.json(
    { status, detail },
    { status, headers: { "content-type": "application/problem+json", "cache-control": "no-store" } },
  );
