import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Assignment, Place } from "./assignment.ts";

const program = join(import.meta.dirname, "writer.worker.ts");

/** Receives the events of writers. */
export interface Listener {
  /** A writer begins a turn. */
  begins(writer: WriterProcess, turn: number): void;
  /** A writer has ended, although it was neither killed nor asked to stop. */
  fails(error: Error): void;
}

/** A process that writes until it is killed. */
export class WriterProcess {
  /** The numbers of the turns that it reported as tried, and as acknowledged. */
  readonly tried: number[] = [];
  readonly acknowledged: number[] = [];
  /** What it was assigned to write; `undefined` if nothing was assigned yet. */
  assignment: Assignment | undefined;
  /** How long its last turn took, in ms; `undefined` if no turn has ended yet. */
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
    stdin?.on("error", () => undefined); // the process may be gone before the assignment is sent
    if (stdout !== null) createInterface(stdout).on("line", (line) => this.#hear(line));
    this.#end = once(this.#child, "close").then(() => {
      if (this.#isToEnd) return;
      this.#ready.reject(this.#failure());
      listener.fails(this.#failure());
    });
  }

  /** Resolves when the process is ready for an assignment. */
  static async start(place: Place, listener: Listener): Promise<WriterProcess> {
    const writer = new WriterProcess(place, listener);
    await writer.#ready.promise;
    return writer;
  }

  write(assignment: Assignment): void {
    this.assignment = assignment;
    this.#child.stdin?.write(`${JSON.stringify(assignment)}\n`);
  }

  /** Whether the turn that it tried last was not acknowledged. */
  get isUnacknowledged(): boolean {
    return this.tried.length > 0 && this.tried.at(-1) !== this.acknowledged.at(-1);
  }

  /** Kills it with SIGKILL. Resolves when everything that it printed was read. */
  async kill(): Promise<void> {
    this.#isToEnd = true;
    this.#child.kill("SIGKILL");
    await this.#end;
  }

  /** Lets it end after its current turn. Rejects if its exit code is not 0. */
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
    return new Error(`A writer ended with exit code or signal ${exitCode ?? signalCode}: ${this.#problems}`);
  }
}
