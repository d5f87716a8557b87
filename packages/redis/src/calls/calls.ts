import { untilAborted } from "@deep-agent/core/adapter";
import { closed } from "../options/config-error.ts";
import { type Until, withAttempts } from "./attempts.ts";
import { type Doing, redisError } from "./redis-error.ts";

/** One call of the backend. */
export interface Call extends Omit<Doing, "server"> {
  signal: AbortSignal | undefined;
  /** As {@link withAttempts} asks. Default: it is. */
  repeatable?: () => boolean;
}

/** Makes the backend's calls: by its deadline, in several attempts where need be, with its errors. */
export class Operations {
  readonly #server: string;
  readonly #timeoutMs: number;
  readonly #failsOver: boolean;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  /** `server` is how errors call it; `failsOver` as {@link withAttempts} asks. */
  constructor(server: string, timeoutMs: number, failsOver: boolean) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
    this.#failsOver = failsOver;
  }

  /** Settles by the deadline, with a `MemoryError` where it rejects, or when the signal is aborted, with its reason. */
  async run<R>(call: Call, attempt: (until: Until, again: boolean) => Promise<R>): Promise<R> {
    if (this.#closed) throw closed();
    const { repeatable = () => true } = call;
    const signal = call.signal ?? undefined; // null is as good as none
    const deadline = performance.now() + this.#timeoutMs;
    const running = withAttempts({ deadline, repeatable, failsOver: this.#failsOver, signal }, attempt);
    this.#running.add(running);
    try {
      return await untilAborted(running, signal);
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error;
      throw redisError(error, { ...call, server: this.#server });
    } finally {
      this.#running.delete(running);
    }
  }

  /** Lets no further calls begin, and resolves when those that have begun are settled. */
  async end(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }
}
