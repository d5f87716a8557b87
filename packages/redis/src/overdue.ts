import { NoReply, type RedisReply, type SendOptions } from "./redis-commands.ts";

/**
 * Replies of a client that somebody else made: it may wait for a server for ever, whoever calls it does not. `work` tells by `begun` that
 * something may be sent from now on. What it rejects with is made a {@link NoReply}, but for the signal's reason.
 */
export async function inTime(
  { timeoutMs, signal }: SendOptions,
  work: (begun: () => void) => Promise<readonly RedisReply[]>,
): Promise<readonly RedisReply[]> {
  let sent = false;
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new NoReply(sent, new Error(`nothing within ${Math.round(timeoutMs)} ms`))),
    timeoutMs,
  );
  const begun = (): void => {
    signal?.throwIfAborted(); // it may have waited long for a connection
    sent = true;
  };
  try {
    return await Promise.race([overdue, work(begun)]);
  } catch (error) {
    if (error instanceof NoReply || (signal?.aborted && error === signal.reason)) throw error;
    throw new NoReply(sent, error as Error); // as clients reject
  } finally {
    clearTimeout(timer);
  }
}
