import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** How much of what a child says is kept, in characters. */
const KEPT = 20_000;

/** A child process that by itself keeps no test process alive: only waiting for its end does. */
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
      // A pipe is a socket, which Node's type of it does not say.
      (stream as { unref?(): void } | null)?.unref?.();
    }
    child.unref();
  }

  /** Resolves when it runs; rejects where it cannot be run. */
  static async of(child: ChildProcess): Promise<AwaitedChild> {
    await once(child, "spawn");
    // Once spawned, it has one.
    return new AwaitedChild(child, child.pid as number);
  }

  /** What it said on stdout and stderr. */
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
