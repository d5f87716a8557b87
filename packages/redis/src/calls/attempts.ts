import timers from "node:timers/promises";
import { Refusal } from "../wire/failures.ts";
import { NoReply } from "../wire/redis-commands.ts";

/** An operation that may take several attempts. Local times are of `performance.now()`. */
export interface Operation {
  /** The local moment by which it has to settle. */
  deadline: number;
  /**
   * Whether making it again at once is as good as making it once, even where an earlier attempt still takes effect behind it; asked
   * after each attempt. Where it is not, another attempt waits until the one before can take effect no more.
   */
  repeatable: () => boolean;
  /** Whether trying again may help where nothing was sent, or where a server refused it: another one may take its place. */
  failsOver: boolean;
  signal: AbortSignal | undefined;
}

/** When an attempt has to end: a local moment of `performance.now()`, or the abort of its call, behind which nothing more is sent. */
export interface Until {
  readonly moment: number;
  readonly signal: AbortSignal | undefined;
}

/** A server's clock was further on than we thought, and it did nothing. */
export class TooLate extends Error {
  override readonly name = "TooLate";
}

/** An attempt that failed behind others whose effect nobody knows. */
export class Unsure extends Error {
  override readonly name = "Unsure";

  constructor(cause: unknown) {
    super("An earlier attempt may have taken effect.", { cause });
  }
}

/** An attempt that gets less time than this, in ms, gets all that is left. */
const SHORTEST_ATTEMPT = 20;

/** How long to wait before the second attempt, in ms, at most; each further one waits up to twice as long. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 500;

/**
 * Makes attempts until one is answered, or the operation's deadline is near. Each may take half of the time that is left, so that a
 * connection on which nothing comes back leaves time for another one; `again` says that an earlier attempt may have taken effect.
 *
 * Rejects at once with what the server refused, and where a command was certainly not sent: then it is known what became of it. Where
 * servers take each other's place, it waits for that as long as there is time. It rejects with {@link Unsure} where an earlier attempt may have taken effect.
 */
export async function withAttempts<R>(
  operation: Operation,
  attempt: (until: Until, again: boolean) => Promise<R>,
): Promise<R> {
  const { deadline, repeatable, failsOver, signal } = operation;
  // The newest that may have been sent, and may yet take effect.
  let lost: NoReply | undefined;
  // Why nothing could be sent, where that is more than that the time was up.
  let reason: unknown;
  for (let number = 0; ; number++) {
    const begun = performance.now();
    const half = begun + (deadline - begun) / 2;
    const until = half - begun < SHORTEST_ATTEMPT ? deadline : half;
    let pause: number;
    try {
      return await attempt({ moment: until, signal }, lost !== undefined);
    } catch (error) {
      const unanswered = error instanceof NoReply;
      const mayLinger = unanswered && error.sent;
      if (mayLinger) lost = error;
      // What was not even sent says less than what was, and was lost.
      if (!isTimeUp(error)) reason = error;
      const failure = lost === undefined ? (reason ?? error) : new Unsure(unanswered ? lost : error);
      const mayHelp =
        error instanceof TooLate ||
        (unanswered && (lost !== undefined || (failsOver && !isDenied(error)))) ||
        (failsOver && error instanceof Refusal && error.passes);
      if (!mayHelp) throw failure;
      const now = performance.now();
      const lingering = mayLinger && !repeatable() ? Math.max(0, until - now) + 1 : 0;
      pause = lingering || backOff(number);
      if (now + pause >= deadline) {
        // What may still take effect does so before the caller is told, who may then try again.
        if (lingering > 0) await timers.setTimeout(lingering, undefined, { signal });
        throw failure;
      }
    }
    await timers.setTimeout(pause, undefined, { signal });
  }
}

/** A user that one server does not know, or that may not do what connecting takes: others will not know better. */
function isDenied({ message }: NoReply): boolean {
  return /^(NOAUTH|NOPERM|WRONGPASS)\b/.test(message);
}

function isTimeUp(error: unknown): boolean {
  return error instanceof NoReply && /^(nothing within|no time was left)/.test(error.message);
}

/** With jitter, so that those who were cut off together do not come back together. */
function backOff(number: number): number {
  return Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** number);
}
