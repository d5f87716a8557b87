import { TaskQueue } from "./task-queue.ts";

/** Runs tasks of one key one after the other, those of different keys at the same time. For adapters, too. */
export class KeyedQueue {
  readonly #queues = new Map<string, TaskQueue>();

  /** Settles as the task does. A task whose signal is aborted while it waits is not run: the call rejects with the reason. */
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
