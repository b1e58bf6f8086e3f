import { proxy } from "@/shop/proxy";

export const dynamic = "force-dynamic";
export { proxy as DELETE, proxy as GET, proxy as HEAD, proxy as PATCH, proxy as POST, proxy as PUT };
