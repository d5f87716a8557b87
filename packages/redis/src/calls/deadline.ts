import { NoReply } from "../wire/failures.ts";
import type { SendOptions } from "../wire/redis-commands.ts";

/**
 * When an attempt has to end: a local moment of `performance.now()`, or the abort of its call. Nothing is sent after
 * it.
 */
export interface Deadline {
  readonly moment: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * How long a command may take that is sent now. Throws if nothing may be sent any more: `NoReply`, or the signal's
 * reason.
 */
export function timeLeft({ moment, signal }: Deadline): SendOptions {
  signal?.throwIfAborted();
  const timeoutMs = moment - performance.now();
  if (timeoutMs <= 0) throw new NoReply(false, new Error("no time was left to send it"));
  return { timeoutMs, signal };
}
