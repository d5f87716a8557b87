import { AsyncLocalStorage } from "node:async_hooks";
import type { Keyv } from "keyv";

/** The errors that were reported during a call: the first of each kind. */
export interface Reports {
  /** An error of this call, or of an unknown call: it is not known to belong to another one. */
  own?: { error: unknown };
  /** An error of any call. */
  any?: { error: unknown };
}

/**
 * Listens to the `error` events of a Keyv during calls to it. If the user has a listener too, Keyv answers a failed
 * call as if nothing were stored, and reports the failure only as an event.
 */
export class ErrorWatch {
  static readonly #watches = new WeakMap<Keyv, ErrorWatch>();

  readonly #keyv: Keyv;
  readonly #calls = new Set<Reports>();
  /** The call that causes an event. */
  readonly #current = new AsyncLocalStorage<Reports>();

  private constructor(keyv: Keyv) {
    this.#keyv = keyv;
  }

  /** All backends on a Keyv share one watch, so that it knows whether there are other listeners. */
  static of(keyv: Keyv): ErrorWatch {
    const watch = ErrorWatch.#watches.get(keyv) ?? new ErrorWatch(keyv);
    ErrorWatch.#watches.set(keyv, watch);
    return watch;
  }

  /** Settles as `call` does. `call` can look at the errors that were reported until then. */
  async during<R>(call: (reports: Reports) => Promise<R>): Promise<R> {
    const reports: Reports = {};
    if (this.#calls.size === 0) this.#keyv.on("error", this.#listener);
    this.#calls.add(reports);
    try {
      return await this.#current.run(reports, () => call(reports));
    } finally {
      this.#calls.delete(reports);
      if (this.#calls.size === 0) this.#keyv.off("error", this.#listener);
    }
  }

  readonly #listener = (error: unknown): void => {
    const current = this.#current.getStore();
    for (const reports of this.#calls) {
      reports.any ??= { error };
      if (current === undefined || current === reports) reports.own ??= { error };
    }
    // Without other listeners Keyv would throw, and its other users rely on that.
    if (this.#keyv.listenerCount("error") === 1 && this.#keyv.throwOnEmptyListeners) throw error;
  };
}
