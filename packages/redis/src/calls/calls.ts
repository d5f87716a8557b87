import timers from "node:timers/promises";
import { CallTracker, closed, untilAborted } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import {
  CommandRefused,
  type ConnectionFault,
  connectionFault,
  DeadlinePassed,
  NoReply,
  OutcomeUnknown,
} from "../wire/failures.ts";
import type { Deadline } from "./deadline.ts";
import { type RedisOperation, redisError } from "./redis-error.ts";

/** One call of the backend. */
export interface Call extends RedisOperation {
  signal: AbortSignal | undefined;
  /**
   * Whether it is safe to try again at once although an earlier attempt may still take effect. Called after each
   * attempt. If it is not safe, the next attempt waits until the previous one can no longer take effect. Default: safe.
   */
  repeatable?: () => boolean;
}

/** `again`: an earlier attempt may have taken effect. */
type Attempt<R> = (deadline: Deadline, again: boolean) => Promise<R>;

/** If half of the time left is less than this, in ms, the attempt gets all of it. */
const MIN_ATTEMPT = 20;

/** The longest pause before the second attempt, in ms. Before each further attempt it doubles, up to `MAX_PAUSE`. */
const FIRST_PAUSE = 10;
const MAX_PAUSE = 500;

/** How often to try again after a failure to connect that may pass. Nothing was sent. */
const CONNECTION_RETRIES: { readonly [fault in ConnectionFault]?: number } = {
  "password pending": Number.POSITIVE_INFINITY,
  full: Number.POSITIVE_INFINITY,
  // A server that takes no more connections may say nothing. More often the server will do the same again.
  "hung up": 4,
  "hung up after TLS": 4,
  // The next password may be a newer one. Too many wrong ones may lock the user out.
  "old password": 5,
};

/** The longest pause before the second attempt with another password, in ms. It doubles, too. */
const FIRST_PASSWORD_PAUSE = 100;

/** Makes the backend's calls: within the deadline, in several attempts if needed, with the backend's errors. */
export class Calls {
  readonly #server: string;
  readonly #timeoutMs: number;
  readonly #failsOver: boolean;
  readonly #tracker = new CallTracker(() => closed("RedisBackend", BACKEND));

  /**
   * `server`: its name in errors. `failsOver`: whether another server may take the place of one that is down, so that
   * another attempt may help if nothing was sent or a server refused.
   */
  constructor(server: string, timeoutMs: number, failsOver: boolean) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
    this.#failsOver = failsOver;
  }

  /**
   * Settles by the deadline, or when the signal is aborted. Rejects with a `MemoryError`, or with the signal's reason.
   */
  async run<R>(call: Call, attempt: Attempt<R>): Promise<R> {
    const signal = call.signal ?? undefined; // null counts as no signal
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

  /** Refuses further calls. Resolves when the calls that have begun are settled. */
  end(): Promise<void> {
    return this.#tracker.end();
  }

  /**
   * Makes attempts until one is answered, or the call's deadline is near. Each attempt may take half of the time left,
   * so that a connection on which no reply comes leaves time for another connection.
   *
   * Rejects at once if the server refused a command, or if a command was certainly not sent: then the outcome is known.
   * If another server may take over, or the next connection may succeed, it keeps trying while there is time. Rejects
   * with {@link OutcomeUnknown} if an earlier attempt may have taken effect.
   */
  async #repeat<R>(
    { repeatable = () => true }: Call,
    { moment: overdueAt, signal }: Deadline,
    attempt: Attempt<R>,
  ): Promise<R> {
    // The newest attempt that may have been sent, and may still take effect.
    let lost: NoReply | undefined;
    // Whether an earlier attempt may have taken effect.
    let again = false;
    // Why nothing could be sent, unless the only reason is that the time was up.
    let reason: unknown;
    for (let number = 0; ; number++) {
      const begun = performance.now();
      const half = begun + (overdueAt - begun) / 2;
      const moment = half - begun < MIN_ATTEMPT ? overdueAt : half;
      let pause: number;
      try {
        return await attempt({ moment, signal }, again);
      } catch (error) {
        const isUnanswered = error instanceof NoReply;
        const mayLinger = isUnanswered && error.sent;
        if (mayLinger) lost = error;
        // A command that was sent and lost matters more than one that was never sent.
        if (!isTimeUp(error)) reason = error;
        const told = lost === undefined ? (reason ?? error) : isUnanswered ? lost : error;
        const failure = lost === undefined && !again ? told : new OutcomeUnknown(told);
        again ||= mayLinger || (error instanceof CommandRefused && error.outcome !== "not-applied");
        if (!this.#mayHelp(error, lost, number)) throw failure;
        const now = performance.now();
        const lingering = mayLinger && !repeatable() ? Math.max(0, moment - now) + 1 : 0;
        pause = lingering || backOff(number, error);
        if (now + pause >= overdueAt) {
          // Reject only after the lost attempt can no longer take effect: the caller may then try again.
          if (lingering > 0) await timers.setTimeout(lingering, undefined, { signal });
          throw failure;
        }
      }
      await timers.setTimeout(pause, undefined, { signal });
    }
  }

  /** Whether another attempt may help after this error. */
  #mayHelp(error: unknown, lost: NoReply | undefined, number: number): boolean {
    if (error instanceof DeadlinePassed) return true;
    const fault = connectionFault(error);
    if (fault !== undefined && number < (CONNECTION_RETRIES[fault] ?? 0)) return true;
    if (error instanceof NoReply) return lost !== undefined || (this.#failsOver && !isDenied(error));
    return this.#failsOver && error instanceof CommandRefused && error.passes;
  }
}

/** What another server would do as well. */
const lasting: ReadonlySet<ConnectionFault | undefined> = new Set(["password", "no hello", "not TLS", "TLS"]);

/** Whether the options, the user or its rights are wrong. With other servers, the call would fail in the same way. */
function isDenied(error: NoReply): boolean {
  return lasting.has(connectionFault(error)) || /^(NOAUTH|NOPERM|WRONGPASS)\b/.test(error.message);
}

function isTimeUp(error: unknown): boolean {
  return error instanceof NoReply && /^(timed out after|no time was left)/.test(error.message);
}

/** The pause in ms, with jitter: clients that lost their connections together should not all return together. */
function backOff(number: number, error: unknown): number {
  if (connectionFault(error) === "old password") return (1 + Math.random()) * 0.5 * FIRST_PASSWORD_PAUSE * 2 ** number;
  return Math.random() * Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** number);
}
