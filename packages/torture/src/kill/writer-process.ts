import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Assignment, Place } from "./assignment.ts";

const program = join(import.meta.dirname, "writer.worker.ts");

/** A process that writes, until it is killed. */
export class WriterProcess {
  /** The numbers of the turns that it said it tries, and that it said are acknowledged. */
  readonly tried: number[] = [];
  readonly acknowledged: number[] = [];
  /** What it was told to write; `undefined`: nothing yet. */
  assignment: Assignment | undefined;
  /** How long its last turn took, in ms; `undefined`: none has ended yet. */
  turnMs: number | undefined;
  #triedAt = 0;
  readonly #child: ChildProcess;
  readonly #end: Promise<unknown>;
  #hasEnded = false;
  #isReady = false;
  #problems = "";
  #wake = Promise.withResolvers<void>();

  private constructor(place: Place) {
    const args = ["--disable-warning=ExperimentalWarning", program, JSON.stringify(place)];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
    const { stdin, stdout, stderr } = this.#child;
    stderr?.on("data", (data) => {
      this.#problems += data;
    });
    stdin?.on("error", () => undefined); // it may be gone before it is told
    if (stdout !== null) createInterface(stdout).on("line", (line) => this.#hear(line));
    this.#end = once(this.#child, "close").finally(() => {
      this.#hasEnded = true;
      this.#wake.resolve();
    });
  }

  /** Resolves when it can be told what to write. */
  static async start(place: Place): Promise<WriterProcess> {
    const writer = new WriterProcess(place);
    await writer.#until(() => writer.#isReady);
    return writer;
  }

  write(assignment: Assignment): void {
    this.assignment = assignment;
    this.#child.stdin?.write(`${JSON.stringify(assignment)}\n`);
  }

  /** Resolves when it has tried so many turns; rejects where it ends before that. */
  untilTried(count: number): Promise<void> {
    return this.#until(() => this.tried.length >= count);
  }

  /** Whether it was told of no acknowledgement of the turn that it tried last. */
  get isUnacknowledged(): boolean {
    return this.tried.length > 0 && this.tried.at(-1) !== this.acknowledged.at(-1);
  }

  /** `kill -9`. Resolves when all that it said is heard. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#end;
  }

  /** Lets it end behind the turn that it is at; rejects where it does not end well. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#end;
    if (this.#child.exitCode !== 0) throw this.#failure();
  }

  #hear(line: string): void {
    const [word, turn] = line.split(" ");
    if (word === "ready") this.#isReady = true;
    if (word === "try") {
      this.tried.push(Number(turn));
      this.#triedAt = performance.now();
    }
    if (word === "ack") {
      this.acknowledged.push(Number(turn));
      this.turnMs = performance.now() - this.#triedAt;
    }
    this.#wake.resolve();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#hasEnded) throw this.#failure();
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }

  #failure(): Error {
    const { exitCode, signalCode } = this.#child;
    return new Error(`A writer ended with ${exitCode ?? signalCode}: ${this.#problems}`);
  }
}
