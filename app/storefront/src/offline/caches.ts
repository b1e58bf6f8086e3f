/** The service worker's caches, apart from Workbox's precache. A change of what is inside raises the number. */
export const CACHES = {
  images: "images-v1",
  pages: "pages-v1",
  api: "api-v1",
} as const;

export const isOurs = (name: string): boolean => /^(images|pages|api)-v\d+$/.test(name);
export const isCurrent = (name: string): boolean => (Object.values(CACHES) as string[]).includes(name);
