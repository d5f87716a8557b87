import timers from "node:timers/promises";
import { CallTracker, closed, untilAborted } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import { CommandRefused, DeadlinePassed, NoReply, OutcomeUnknown } from "../wire/failures.ts";
import type { Deadline } from "./deadline.ts";
import { type RedisOperation, redisError } from "./redis-error.ts";

/** One call of the backend. */
export interface Call extends RedisOperation {
  signal: AbortSignal | undefined;
  /**
   * Whether it is safe to try again at once although an earlier attempt may still take effect; asked after each
   * attempt. If it is not, another attempt waits until the one before can take effect no more. Default: it is.
   */
  repeatable?: () => boolean;
}

/** `again`: an earlier attempt may have taken effect. */
type Attempt<R> = (deadline: Deadline, again: boolean) => Promise<R>;

/** An attempt that gets less time than this, in ms, gets all that is left. */
const MIN_ATTEMPT = 20;

/** How long to wait before the second attempt, in ms, at most; each further one waits up to twice as long. */
const FIRST_PAUSE = 10;
const MAX_PAUSE = 500;

/** Makes the backend's calls: by its deadline, in several attempts if need be, with its errors. */
export class Calls {
  readonly #server: string;
  readonly #timeoutMs: number;
  readonly #failsOver: boolean;
  readonly #tracker = new CallTracker(() => closed("RedisBackend", BACKEND));

  /**
   * `server` is how errors call it; `failsOver`: whether trying again may help if nothing was sent, or if a server
   * refused: another one may take its place.
   */
  constructor(server: string, timeoutMs: number, failsOver: boolean) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
    this.#failsOver = failsOver;
  }

  /** Settles by the deadline, with a `MemoryError` if it rejects, or when the signal is aborted, with its reason. */
  async run<R>(call: Call, attempt: Attempt<R>): Promise<R> {
    const signal = call.signal ?? undefined; // null is as good as none
    const overdueAt = performance.now() + this.#timeoutMs;
    try {
      return await untilAborted(
        this.#tracker.run(() => this.#repeat(call, { moment: overdueAt, signal }, attempt)),
        signal,
      );
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error;
      throw redisError(error, call, this.#server);
    }
  }

  /** Lets no further calls begin, and resolves when those that have begun are settled. */
  end(): Promise<void> {
    return this.#tracker.end();
  }

  /**
   * Makes attempts until one is answered, or the call's deadline is near. Each may take half of the time that is left,
   * so that a connection on which nothing comes back leaves time for another one.
   *
   * Rejects at once with what the server refused, and if a command was certainly not sent: then it is known what became
   * of it. While servers take each other's place, it waits for that as long as there is time. It rejects with
   * {@link OutcomeUnknown} if an earlier attempt may have taken effect.
   */
  async #repeat<R>(
    { repeatable = () => true }: Call,
    { moment: overdueAt, signal }: Deadline,
    attempt: Attempt<R>,
  ): Promise<R> {
    // The newest that may have been sent, and may yet take effect.
    let lost: NoReply | undefined;
    // Why nothing could be sent, if that is more than that the time was up.
    let reason: unknown;
    for (let number = 0; ; number++) {
      const begun = performance.now();
      const half = begun + (overdueAt - begun) / 2;
      const moment = half - begun < MIN_ATTEMPT ? overdueAt : half;
      let pause: number;
      try {
        return await attempt({ moment, signal }, lost !== undefined);
      } catch (error) {
        const isUnanswered = error instanceof NoReply;
        const mayLinger = isUnanswered && error.sent;
        if (mayLinger) lost = error;
        // A command that was sent and lost matters more than one that was never sent.
        if (!isTimeUp(error)) reason = error;
        const failure = lost === undefined ? (reason ?? error) : new OutcomeUnknown(isUnanswered ? lost : error);
        if (!this.#mayHelp(error, lost)) throw failure;
        const now = performance.now();
        const lingering = mayLinger && !repeatable() ? Math.max(0, moment - now) + 1 : 0;
        pause = lingering || backOff(number);
        if (now + pause >= overdueAt) {
          // What may still take effect does so before the caller is told, who may then try again.
          if (lingering > 0) await timers.setTimeout(lingering, undefined, { signal });
          throw failure;
        }
      }
      await timers.setTimeout(pause, undefined, { signal });
    }
  }

  /** Whether another attempt may help after this error. */
  #mayHelp(error: unknown, lost: NoReply | undefined): boolean {
    if (error instanceof DeadlinePassed) return true;
    if (error instanceof NoReply) return lost !== undefined || (this.#failsOver && !isDenied(error));
    return this.#failsOver && error instanceof CommandRefused && error.passes;
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
  return Math.random() * Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** number);
}
