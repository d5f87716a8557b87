import { untilAborted } from "./until-aborted.ts";

/** Runs tasks one after another, in the order of the calls. */
export class TaskQueue {
  #last: Promise<void> = Promise.resolve();
  #open = 0;

  /** Whether no task runs or waits. */
  get idle(): boolean {
    return this.#open === 0;
  }

  /**
   * Settles as the task does. If the signal is aborted while the task waits, the task does not run and the call
   * rejects with the signal's reason.
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal | undefined): Promise<T> {
    const before = this.#last;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#last = before.then(() => done);
    this.#open += 1;
    try {
      await untilAborted(before, signal);
      return await task();
    } finally {
      this.#open -= 1;
      resolve();
    }
  }
}
