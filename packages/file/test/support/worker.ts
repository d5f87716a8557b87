import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A process of its own that runs `test/workers/<name>.worker.ts`. It gets lines, and answers with lines. */
export class Worker {
  /** All lines that the worker has said. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  readonly #waiting = new Set<() => void>();
  #problems = "";

  constructor(name: string, options: object) {
    const path = join(__dirname, "..", "workers", `${name}.worker.ts`);
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", path, JSON.stringify(options)], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#exit = once(this.#child, "close");
    this.#child.stderr?.on("data", (data) => {
      this.#problems += data;
    });
    this.#child.stdin?.on("error", () => {}); // the worker may have ended before it is sent a line
    if (this.#child.stdout !== null) {
      createInterface(this.#child.stdout).on("line", (line) => {
        this.lines.push(line);
        for (const wake of this.#waiting) wake();
      });
    }
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Resolves once `ready` is true of the worker's lines; rejects if the worker ends before that. */
  async until(ready: (lines: readonly string[]) => boolean): Promise<void> {
    let ended = false;
    while (!ready(this.lines)) {
      if (ended) throw new Error(`A worker ended early: ${this.#problems}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      const end = this.#exit.then(() => {
        ended = true;
      });
      await Promise.race([promise, end]);
      this.#waiting.delete(resolve);
    }
  }

  /** `kill -9`. Resolves when the process has ended. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  /** Resolves when the process has ended by itself; rejects if it failed. */
  async end(): Promise<void> {
    const [code, signal] = await this.#exit;
    if (code !== 0) throw new Error(`A worker ended with ${code ?? signal}: ${this.#problems}`);
  }

  /** The numbers in all lines that begin with this word. */
  numbers(word: string): number[] {
    return this.lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(" ")[1]));
  }
}
