import { AsyncLocalStorage } from "node:async_hooks";
import type { Keyv } from "keyv";

/** What was reported while a call was under way: the first error of each kind. */
export interface Reports {
  /** Of this call, or of none in particular: not known to be another's. */
  own?: { error: unknown };
  /** Of whatever. */
  any?: { error: unknown };
}

/**
 * Listens to the `error` events of a Keyv while calls to it are under way. With a listener of its user's, Keyv answers a call that
 * failed as if there were nothing, and says so only there.
 */
export class ErrorWatch {
  static readonly #watches = new WeakMap<Keyv, ErrorWatch>();

  readonly #keyv: Keyv;
  readonly #calls = new Set<Reports>();
  /** In the course of which call an event comes. */
  readonly #course = new AsyncLocalStorage<Reports>();

  private constructor(keyv: Keyv) {
    this.#keyv = keyv;
  }

  /** The same one for all backends on a Keyv, so that it knows whether anybody else listens. */
  static of(keyv: Keyv): ErrorWatch {
    const watch = ErrorWatch.#watches.get(keyv) ?? new ErrorWatch(keyv);
    ErrorWatch.#watches.set(keyv, watch);
    return watch;
  }

  /** Settles as `call` does, which can look at what was reported until then. */
  async during<R>(call: (reports: Reports) => Promise<R>): Promise<R> {
    const reports: Reports = {};
    if (this.#calls.size === 0) this.#keyv.on("error", this.#listener);
    this.#calls.add(reports);
    try {
      return await this.#course.run(reports, () => call(reports));
    } finally {
      this.#calls.delete(reports);
      if (this.#calls.size === 0) this.#keyv.off("error", this.#listener);
    }
  }

  readonly #listener = (error: unknown): void => {
    const course = this.#course.getStore();
    for (const reports of this.#calls) {
      reports.any ??= { error };
      if (course === undefined || course === reports) reports.own ??= { error };
    }
    // Where nobody else listens Keyv throws, and whoever else uses it counts on that.
    if (this.#keyv.listenerCount("error") === 1 && this.#keyv.throwOnEmptyListeners) throw error;
  };
}
