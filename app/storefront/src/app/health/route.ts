import { proxy } from "@/shop/proxy";

export const dynamic = "force-dynamic";
export { proxy as GET, proxy as HEAD };
