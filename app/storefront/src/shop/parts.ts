/** Files of a release that is gone. */

const KEY = "loaded-anew";
const MISSING = /load(?:ing)? chunk|dynamically imported module|importing a module script/i;

/** Whether a file of the page's own release couldn't be fetched. */
export const isMissingPart = (error: Error): boolean => error.name === "ChunkLoadError" || MISSING.test(error.message);

/** Load the page anew for want of a part of it; false: that was done already, and didn't help. */
export function loadAnew(name: string): boolean {
  try {
    const before = sessionStorage.getItem(KEY) ?? "";
    if (before.split(" ").includes(name)) return false;
    sessionStorage.setItem(KEY, `${before} ${name}`.trim());
  } catch {
    return false; // a browser that keeps nothing for a tab would go on for ever
  }
  location.reload();
  return true;
}

/** What was missing is there: next time is another release. */
export function isThere(name: string): void {
  try {
    const rest = (sessionStorage.getItem(KEY) ?? "").split(" ").filter((each) => each && each !== name);
    sessionStorage.setItem(KEY, rest.join(" "));
  } catch {
    // Nothing was kept either.
  }
}
