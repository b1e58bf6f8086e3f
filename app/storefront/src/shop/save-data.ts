/** The visitor has told the browser so: https://wicg.github.io/savedata/ */
export const savesData = (): boolean =>
  typeof navigator !== "undefined" &&
  (navigator as Navigator & { connection?: { saveData?: boolean } }).connection?.saveData === true;
