import { setTimeout as pause } from "node:timers/promises";

/** The pause between two attempts, in ms. */
const PAUSE = 25;

/** Tries until an attempt succeeds. After `limitMs` it rejects with `what` and the reason of the last failure. */
export async function eventually<T>(what: string, limitMs: number, attempt: () => Promise<T>): Promise<T> {
  const limit = Date.now() + limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      // redis-server, the client and the attempts throw only errors.
      const reason = (cause as Error).message;
      if (Date.now() > limit) throw new Error(`${what} did not happen within ${limitMs} ms. ${reason}`, { cause });
    }
    await pause(PAUSE);
  }
}
