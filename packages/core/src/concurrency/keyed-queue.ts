import { TaskQueue } from "./task-queue.ts";

/** Runs tasks of the same key one after another, and tasks of different keys at the same time. For adapters too. */
export class KeyedQueue {
  readonly #queues = new Map<string, TaskQueue>();

  /**
   * Settles as the task does. If the signal is aborted while the task waits, the task does not run and the call
   * rejects with the signal's reason.
   */
  async run<T>(key: string, task: () => Promise<T>, signal?: AbortSignal | undefined): Promise<T> {
    const queue = this.#queues.get(key) ?? new TaskQueue();
    this.#queues.set(key, queue);
    try {
      return await queue.run(task, signal);
    } finally {
      if (queue.idle) this.#queues.delete(key);
    }
  }
}
