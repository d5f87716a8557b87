import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Assignment, Place } from "./assignment.ts";

const program = join(import.meta.dirname, "writer.worker.ts");

/** Hears what becomes of writers. */
export interface Listener {
  /** A writer begins a turn. */
  begins(writer: WriterProcess, turn: number): void;
  /** A writer has ended that was neither killed nor told to stop. */
  fails(error: Error): void;
}

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
  readonly #listener: Listener;
  readonly #ready = Promise.withResolvers<void>();
  readonly #end: Promise<unknown>;
  #isToEnd = false;
  #problems = "";

  private constructor(place: Place, listener: Listener) {
    this.#listener = listener;
    const args = ["--disable-warning=ExperimentalWarning", program, JSON.stringify(place)];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
    const { stdin, stdout, stderr } = this.#child;
    stderr?.on("data", (data) => {
      this.#problems += data;
    });
    stdin?.on("error", () => undefined); // it may be gone before it is told
    if (stdout !== null) createInterface(stdout).on("line", (line) => this.#hear(line));
    this.#end = once(this.#child, "close").then(() => {
      if (this.#isToEnd) return;
      this.#ready.reject(this.#failure());
      listener.fails(this.#failure());
    });
  }

  /** Resolves when it can be told what to write. */
  static async start(place: Place, listener: Listener): Promise<WriterProcess> {
    const writer = new WriterProcess(place, listener);
    await writer.#ready.promise;
    return writer;
  }

  write(assignment: Assignment): void {
    this.assignment = assignment;
    this.#child.stdin?.write(`${JSON.stringify(assignment)}\n`);
  }

  /** Whether it was told of no acknowledgement of the turn that it tried last. */
  get isUnacknowledged(): boolean {
    return this.tried.length > 0 && this.tried.at(-1) !== this.acknowledged.at(-1);
  }

  /** `kill -9`. Resolves when all that it said is heard. */
  async kill(): Promise<void> {
    this.#isToEnd = true;
    this.#child.kill("SIGKILL");
    await this.#end;
  }

  /** Lets it end behind the turn that it is at; rejects where it does not end well. */
  async stop(): Promise<void> {
    this.#isToEnd = true;
    this.#child.stdin?.end();
    await this.#end;
    if (this.#child.exitCode !== 0) throw this.#failure();
  }

  #hear(line: string): void {
    const [word, turn] = line.split(" ");
    if (word === "ready") this.#ready.resolve();
    if (word === "try") {
      this.tried.push(Number(turn));
      this.#triedAt = performance.now();
      this.#listener.begins(this, Number(turn));
    }
    if (word === "ack") {
      this.acknowledged.push(Number(turn));
      this.turnMs = performance.now() - this.#triedAt;
    }
  }

  #failure(): Error {
    const { exitCode, signalCode } = this.#child;
    return new Error(`A writer ended with ${exitCode ?? signalCode}: ${this.#problems}`);
  }
}
