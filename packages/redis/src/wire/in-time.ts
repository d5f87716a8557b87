import { NoReply } from "./failures.ts";
import type { RedisReply, SendOptions } from "./redis-commands.ts";

/**
 * Puts a time limit on work of a client that may itself wait for a server for ever. `work` calls `begun` before it
 * sends anything: `begun` throws if nothing may be sent any more. Every rejection of `work` becomes a {@link NoReply},
 * except the signal's reason.
 */
export async function inTime(
  { timeoutMs, signal }: SendOptions,
  work: (begun: () => void) => Promise<readonly RedisReply[]>,
): Promise<readonly RedisReply[]> {
  let sent = false;
  let isOver = false;
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const overdueError = (): NoReply => new NoReply(sent, new Error(`timed out after ${Math.round(timeoutMs)} ms`));
  const timer = setTimeout(() => reject(overdueError()), timeoutMs);
  const begun = (): void => {
    // The client may have waited long for a connection.
    signal?.throwIfAborted();
    if (isOver) throw overdueError();
    sent = true;
  };
  try {
    return await Promise.race([overdue, work(begun)]);
  } catch (error) {
    if (error instanceof NoReply || (signal?.aborted && error === signal.reason)) throw error;
    throw new NoReply(sent, error);
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
