import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { entryOf, type Name } from "./contenders/catalogue.ts";
import type { Place, Work } from "./contenders/contender.ts";

/** `times` calls one after the other, or fewer if the `budget`, in ms, is spent. At least one. */
export interface Slice {
  work: Work;
  /** How many calls before them are made and not counted. Default: 0. */
  ahead?: number;
  /** The calls take them in turn. */
  conversations: readonly string[];
  times: number;
  budget: number;
}

/** Calls for `inFlight` conversations at once, for `forMs` ms. */
export interface Loop {
  work: Work;
  /** What their names begin with. */
  conversations: string;
  inFlight: number;
  forMs: number;
}

/** What a slice cost, in ms: how long each call took, and the processor's time for one call. */
export interface Costs {
  samples: number[];
  cpu: number;
  /** How many items the last call returned; `null` if it neither loads nor lists. */
  found: number | null;
}

/** By how much one call made each of the system's counters grow. */
export type Transferred = Record<string, number>;

export type Job =
  | { do: "open"; name: Name; place: Place }
  | { do: "fill"; conversation: string; length: number }
  | { do: "drop"; conversation: string }
  | ({ do: "slice" } & Slice)
  | ({ do: "loop" } & Loop)
  | ({ do: "costs" } & Omit<Slice, "budget">)
  | { do: "close" };

export interface Answer {
  id: number;
  result?: unknown;
  failure?: string;
}

/** In ms. No job takes that long: a contender that does is killed. */
const JOB_LIMIT = 180_000;

/** How many characters of a process's stderr are kept, to be shown if it fails. */
const MAX_STDERR = 4_000;

/** A process that measures one contender. It shares no heap, compiled code or connection with the others. */
export class Child implements AsyncDisposable {
  readonly name: Name;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #jobs = 0;

  constructor(name: Name) {
    this.name = name;
    this.#process = fork(new URL("contender.worker.ts", import.meta.url), {
      execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"],
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], MASTRA_TELEMETRY_DISABLED: "1" },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#process.on("message", ({ id, result, failure }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (failure === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(`${this.title}: ${failure}`));
    });
    let stderr = "";
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR);
    });
    this.#process.on("close", (code, signal) => {
      const failure = new Error(`${this.title}: its process ended with ${signal ?? code}\n${stderr}`);
      for (const { reject } of this.#waiting.values()) reject(failure);
      this.#waiting.clear();
    });
  }

  /** To be called first. Rejects with the contender's error if it cannot be opened. */
  open(place: Place): Promise<void> {
    return this.#ask({ do: "open", name: this.name, place }) as Promise<void>; // as the worker answers, here and below
  }

  get title(): string {
    return entryOf(this.name).title;
  }

  fill(conversation: string, length: number): Promise<void> {
    return this.#ask({ do: "fill", conversation, length }) as Promise<void>;
  }

  drop(conversation: string): Promise<void> {
    return this.#ask({ do: "drop", conversation }) as Promise<void>;
  }

  slice(slice: Slice): Promise<Costs> {
    return this.#ask({ do: "slice", ...slice }) as Promise<Costs>;
  }

  /** Returns the number of calls a second. */
  loop(loop: Loop): Promise<number> {
    return this.#ask({ do: "loop", ...loop }) as Promise<number>;
  }

  /** What one call transfers, by the system's counters; `undefined` if the system has no such counters. */
  costs(costs: Omit<Slice, "budget">): Promise<Transferred | undefined> {
    return this.#ask({ do: "costs", ...costs }) as Promise<Transferred | undefined>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    // The process ends by itself once its connection to this one is closed. If it does not, it is killed.
    this.#ask({ do: "close" }).catch(() => this.#process.kill());
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 2_000);
    await ended;
    clearTimeout(late);
  }

  async #ask(job: Job): Promise<unknown> {
    const id = this.#jobs++;
    const late = setTimeout(() => this.#process.kill("SIGKILL"), JOB_LIMIT);
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ ...job, id }, (error) => {
        if (error) reject(new Error(`${this.title}: ${error.message}`));
      });
    });
    try {
      return await answer;
    } finally {
      clearTimeout(late);
    }
  }
}
