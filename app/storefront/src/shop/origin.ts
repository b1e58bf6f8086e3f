/** What visitors call the shop, for addresses that leave it: read while it runs, for one build serves every environment. */
export const publicOrigin = (): string => process.env.PUBLIC_ORIGIN ?? "http://127.0.0.1:8080";
