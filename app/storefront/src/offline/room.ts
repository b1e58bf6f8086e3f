/** Writes that find the browser's store full. */

/**
 * Does `write`; where the browser has no room for it, throws away what was least used, step by step, and tries again.
 * What makes room is fetched only then (and lies in the precache): hardly any visitor ever needs it.
 */
export async function makingRoom<Result>(write: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "QuotaExceededError")) throw error;
      const { makeRoom } = await import("./quota");
      if (!(await makeRoom())) throw error;
    }
  }
}
