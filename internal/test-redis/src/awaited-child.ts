import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** How much of a child's output is kept, in characters: its end. */
const KEPT = 20_000;

/** A child process that does not keep the test process alive, except while `ended` waits for its end. */
export class AwaitedChild {
  readonly pid: number;
  readonly #child: ChildProcess;
  #said = "";

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said = (this.#said + text).slice(-KEPT);
      });
      // A pipe is a socket and so has `unref`, which Node's type of a child's stream lacks.
      (stream as { unref?(): void } | null)?.unref?.();
    }
    child.unref();
  }

  /** Resolves when the child runs. Rejects if it cannot be run. */
  static async of(child: ChildProcess): Promise<AwaitedChild> {
    await once(child, "spawn");
    // A spawned child has a pid.
    return new AwaitedChild(child, child.pid as number);
  }

  /** The end of what the child wrote to stdout and stderr. */
  get said(): string {
    return this.#said;
  }

  isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  onEnd(listener: () => void): void {
    this.#child.once("exit", listener);
  }

  async ended(): Promise<void> {
    if (!this.isAlive()) return;
    this.#child.ref();
    await once(this.#child, "exit");
  }
}
