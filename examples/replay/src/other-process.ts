import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Settings } from "./settings.ts";

/** The messages between two processes: a task, and its result. */
interface Envelope {
  number: number;
  task: unknown;
}
type Result = { number: number; result: unknown } | { number: number; error: string };

/** A program of this folder in a process of its own, which performs tasks. */
export class OtherProcess {
  /** Settles when the program is ready, or has ended early. */
  readonly ready: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #count = 0;

  constructor(program: string, settings: Settings) {
    this.#child = fork(join(import.meta.dirname, program), [JSON.stringify(settings)]);
    // Not "close", which is not emitted if the parent has disconnected.
    this.#exited = once(this.#child, "exit");
    this.ready = this.#expect();
    this.#child.on("message", (result: Result) => this.#settle(result));
    this.#child.on("exit", (code, signal) => {
      const error = new Error(
        `Process ${this.#child.pid} (${program}) ended too early, with exit code or signal ${code ?? signal}.`,
      );
      for (const { reject } of this.#open.values()) reject(error);
    });
  }

  /** Resolves to the result of the task; rejects if it fails, or if the process ends. */
  do(task: object): Promise<unknown> {
    const promise = this.#expect();
    this.#child.send({ number: this.#count - 1, task } satisfies Envelope);
    return promise;
  }

  /** Lets the process finish its running tasks and end. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
  }

  #expect(): Promise<unknown> {
    const expected = Promise.withResolvers<unknown>();
    this.#open.set(this.#count++, expected);
    return expected.promise;
  }

  #settle(result: Result): void {
    const expected = this.#open.get(result.number);
    this.#open.delete(result.number);
    if ("error" in result) expected?.reject(new Error(result.error));
    else expected?.resolve(result.result);
  }
}

/**
 * The other side: performs each task that the parent sends, several at once. Calls `end` after the parent disconnects.
 */
export function serveParent<Task>(perform: (task: Task) => Promise<unknown>, end: () => Promise<void>): void {
  // A parent that has disconnected meanwhile does not want the result, so a failure to send it does not matter.
  const unwanted = (): void => undefined;
  const send = (result: Result): void => {
    if (process.connected) process.send?.(result, unwanted);
  };
  const running = new Set<Promise<void>>();
  process.on("message", ({ number, task }: Envelope) => {
    const done = perform(task as Task) // the parent sends only this kind
      .then(
        (result) => send({ number, result }),
        (error) => send({ number, error: error instanceof Error ? error.message : String(error) }),
      )
      .finally(() => running.delete(done));
    running.add(done);
  });
  process.once("disconnect", async () => {
    await Promise.all(running);
    await end();
  });
  send({ number: 0, result: null }); // ready
}
