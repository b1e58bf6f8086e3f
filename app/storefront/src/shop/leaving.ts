/** Pages that aren't made within this one. An installed shop has no browser around it that would show that one is on its way. */

/** Show it at once (chrome.css). A page that is kept as it was left forgets it. */
export function showLeaving(): void {
  const { dataset } = document.documentElement;
  dataset.leaving = "";
  addEventListener("pageshow", () => delete dataset.leaving, { once: true });
}

/** Go to another page, or load this one anew. */
export function leave(to: string | URL = location.href): void {
  showLeaving();
  if (String(to) === location.href) location.reload();
  else location.assign(to);
}
