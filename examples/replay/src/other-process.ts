import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Settings } from "./settings.ts";

/** A task on its way to another process, and its result on the way back. */
interface Envelope {
  number: number;
  task: unknown;
}
type Result = { number: number; result: unknown } | { number: number; error: string };

/** A program of this folder, in a process of its own that does what it is told. */
export class OtherProcess {
  /** Settles once the program is there. */
  readonly ready: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #count = 0;

  constructor(program: string, settings: Settings) {
    this.#child = fork(join(import.meta.dirname, program), [JSON.stringify(settings)]);
    // Not "close", which does not come where it was the parent that let go.
    this.#exited = once(this.#child, "exit");
    this.ready = this.#expect();
    this.#child.on("message", (result: Result) => this.#settle(result));
    this.#child.on("exit", (code, signal) => {
      const error = new Error(`Process ${this.#child.pid} (${program}) ended too early, with ${code ?? signal}.`);
      for (const { reject } of this.#open.values()) reject(error);
    });
  }

  /** Resolves to the result of the task; rejects if it fails, or if the process ends. */
  do(task: object): Promise<unknown> {
    const promise = this.#expect();
    this.#child.send({ number: this.#count - 1, task } satisfies Envelope);
    return promise;
  }

  /** Lets the process finish what it is at and end. */
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

/** The other side: does each task that this process is sent, several at a time, until the parent lets go; then `end`s. */
export function serveParent<Task>(perform: (task: Task) => Promise<unknown>, end: () => Promise<void>): void {
  // A parent that has let go meanwhile does not want the result, so that it cannot be sent is no failure.
  const unwanted = (): void => undefined;
  const send = (result: Result): void => {
    if (process.connected) process.send?.(result, unwanted);
  };
  const running = new Set<Promise<void>>();
  process.on("message", ({ number, task }: Envelope) => {
    const done = perform(task as Task) // the parent's are of that kind
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
