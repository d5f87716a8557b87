import { untilAborted } from "./until-aborted.ts";

/** Runs tasks one after the other, in the order in which they came. */
export class TaskQueue {
  #last: Promise<void> = Promise.resolve();
  #open = 0;

  /** Nothing runs or waits. */
  get idle(): boolean {
    return this.#open === 0;
  }

  /** Settles as the task does. A task whose signal is aborted while it waits is not run: the call rejects with the reason. */
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
