import { setTimeout as pause } from "node:timers/promises";

/** How long it is between two attempts, in ms. */
const PAUSE = 25;

/** Tries until an attempt does not throw. After `limitMs` it rejects with what was awaited, and why the last attempt failed. */
export async function eventually<T>(what: string, limitMs: number, attempt: () => Promise<T>): Promise<T> {
  const limit = Date.now() + limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      // What is thrown here are errors of redis-server, of the client, and of the attempts.
      const reason = (cause as Error).message;
      if (Date.now() > limit) throw new Error(`${what}: not within ${limitMs} ms. ${reason}`, { cause });
    }
    await pause(PAUSE);
  }
}
