import { MemoryError, untilAborted } from "@deep-agent/core/adapter";
import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from "cockatiel";

/** How long a probe may take, in ms. A later answer does not count. */
const MAX_PROBE_MS = 10_000;

export interface CircuitOptions {
  /** After how many calls in a row that found the store unavailable it is no longer called. */
  failures: number;
  /** How often the store is then probed, in ms. */
  probeMs: number;
  probe: () => Promise<unknown>;
  onAway: () => void;
  onBack: () => void;
}

/** The rejection of a call that was not made because the store was unavailable a moment ago. */
export class CircuitOpen extends Error {
  override readonly name = "CircuitOpen";
}

/**
 * Stops calling a store that is unavailable, and finds out when it is back. Until then only the probe calls it, so that
 * no call of a user waits for a store that most likely does not answer. The timer keeps no process alive.
 */
export class Circuit {
  readonly #breaker: CircuitBreakerPolicy;
  readonly #options: CircuitOptions;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.#breaker = circuitBreaker(
      handleWhen((error) => isUnavailable(error) || error.name === "TimeoutError"),
      {
        halfOpenAfter: options.probeMs,
        breaker: new ConsecutiveBreaker(options.failures),
      },
    );
    this.#breaker.onStateChange((state) => {
      if (state === CircuitState.Open) this.#onOpen();
      if (state === CircuitState.Closed) this.#onClosed();
    });
  }

  get isAway(): boolean {
    return this.#breaker.state !== CircuitState.Closed;
  }

  /**
   * Makes the call, or rejects with {@link CircuitOpen} if the store is unavailable. An aborted call says nothing about
   * the store: the caller's time limit may have aborted it.
   */
  async run<R>(call: () => Promise<R>, signal?: AbortSignal | undefined): Promise<R> {
    if (this.isAway) throw new CircuitOpen();
    const ended = await this.#breaker.execute(async () => {
      try {
        return { answer: await call() };
      } catch (error) {
        if (signal?.aborted) return { error };
        throw error;
      }
    });
    if ("answer" in ended) return ended.answer as R; // the call's own answer
    throw ended.error;
  }

  /** Stops probing, and reports nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #onOpen(): void {
    if (this.#timer !== undefined || this.#isStopped) return; // the probe failed, or this was stopped
    this.#timer = setInterval(() => {
      if (this.#breaker.state === CircuitState.HalfOpen) return; // one probe at a time
      // A failed probe needs no handling: the breaker counts it.
      const probe = (): Promise<unknown> => untilAborted(this.#options.probe(), AbortSignal.timeout(MAX_PROBE_MS));
      this.#breaker.execute(probe).catch(() => undefined);
    }, this.#options.probeMs);
    this.#timer.unref();
    this.#options.onAway();
  }

  #onClosed(): void {
    this.#stopTimer();
    if (!this.#isStopped) this.#options.onBack();
  }
}

/** Whether a call failed because the store is unavailable, or was not made because it was unavailable a moment ago. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof CircuitOpen || MemoryError.is(error, "UNAVAILABLE");
}
