/** What the page shows the results of. The search field says the same. */
let current = "";
const listeners = new Set<(words: string) => void>();

/** Empty: the page isn't a search's. */
export function nowSearching(words: string): void {
  current = words;
  for (const listener of listeners) listener(words);
}

export function onSearching(listener: (words: string) => void): () => void {
  listeners.add(listener);
  if (current) listener(current);
  return () => listeners.delete(listener);
}
