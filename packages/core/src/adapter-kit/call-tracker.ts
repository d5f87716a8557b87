import type { MemoryError } from "../contract/memory-error.ts";

/** The calls of a backend that are in flight, so that `close` can wait for them and refuse later calls. */
export class CallTracker {
  readonly #closedError: () => MemoryError;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  /** `closedError` makes the error that calls after {@link end} reject with. */
  constructor(closedError: () => MemoryError) {
    this.#closedError = closedError;
  }

  /** Whether {@link end} was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Throws the closed error if {@link end} was called. */
  checkOpen(): void {
    if (this.#isClosed) throw this.#closedError();
  }

  /** Makes a call and settles as it does. Rejects with the closed error if {@link end} was called. */
  async run<R>(call: () => Promise<R>): Promise<R> {
    this.checkOpen();
    const running = call();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Refuses further calls, and resolves when the calls in flight have settled. */
  async end(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
  }
}
