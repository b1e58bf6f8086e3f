/** Gives a page that is made for one member a policy with a nonce, which Next puts into each script that it writes. */
import { randomBytes } from "node:crypto";
import { type NextRequest, NextResponse } from "next/server";
import { assets, base, ofAnswer } from "@/server/content-security.mjs";

/** The pages that next.config.ts makes for one member (`PRICED`); Next reads these as they stand here. */
export const config = {
  matcher: [
    { source: "/", has: [{ type: "cookie", key: "tier" }] },
    { source: "/products", has: [{ type: "cookie", key: "tier" }] },
    { source: "/products/:product(\\d+)", has: [{ type: "cookie", key: "tier" }] },
    { source: "/categories/:category", has: [{ type: "cookie", key: "tier" }] },
  ],
};

export function proxy(request: NextRequest): NextResponse {
  const policy = ofAnswer(randomBytes(16).toString("base64"));
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  const answer = NextResponse.next({ request: { headers } });
  // It takes the place of the header that next.config.ts gives to every answer.
  answer.headers.set("content-security-policy", `${base(assets())}; ${policy}`);
  return answer;
}
