import { NoReply } from "./failures.ts";
import type { RedisReply, SendOptions } from "./redis-commands.ts";

/**
 * Replies of a client that somebody else made: the client may wait for a server for ever, its caller does not. `work`
 * calls `begun` before it sends anything, which throws if nothing may be sent any more. Whatever `work` rejects with
 * becomes a {@link NoReply}, but for the signal's reason.
 */
export async function inTime(
  { timeoutMs, signal }: SendOptions,
  work: (begun: () => void) => Promise<readonly RedisReply[]>,
): Promise<readonly RedisReply[]> {
  let sent = false;
  let isOver = false;
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const overdueError = (): NoReply => new NoReply(sent, new Error(`nothing within ${Math.round(timeoutMs)} ms`));
  const timer = setTimeout(() => reject(overdueError()), timeoutMs);
  const begun = (): void => {
    // It may have waited long for a connection.
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
