import { MemoryError, untilAborted } from "@deep-agent/core/adapter";
import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from "cockatiel";

/** How long a probe may take, in ms. A later answer counts as none. */
const MAX_PROBE_MS = 10_000;

export interface CircuitOptions {
  /** After how many calls in a row that found the store away it is left alone. */
  failures: number;
  /** How often it is looked for then, in ms. */
  probeMs: number;
  probe: () => Promise<unknown>;
  onAway: () => void;
  onBack: () => void;
}

/** What a call that is not made rejects with, because the store was away a moment ago. */
export class CircuitOpen extends Error {
  override readonly name = "CircuitOpen";
}

/**
 * Leaves a store alone that is away, and finds out when it is back: only the probe asks it until then, so that no
 * call of a user waits for what is most likely not there. The timer keeps no process alive.
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
   * Makes the call, or rejects with {@link CircuitOpen} if the store is away. A call that was aborted, perhaps by
   * somebody's time limit, says nothing of the store.
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
    if ("answer" in ended) return ended.answer as R; // what the call answered
    throw ended.error;
  }

  /** Looks for it no more, and tells nobody. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #onOpen(): void {
    if (this.#timer !== undefined || this.#isStopped) return; // the probe failed, or nobody waits for it
    this.#timer = setInterval(() => {
      if (this.#breaker.state === CircuitState.HalfOpen) return; // one probe at a time
      // What it rejects with is what every call would have: the breaker takes note of it.
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

/** Whether a call failed because the store is not there, or was not made because it was not a moment ago. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof CircuitOpen || MemoryError.is(error, "UNAVAILABLE");
}
