import {
  type CallOptions,
  type ListOptions,
  type MemoryBackend,
  MemoryError,
  type Message,
  type Revision,
  type SaveOptions,
  type Snapshot,
} from "@deep-agent/core";
import type { AppendOptions, LogCapability, ReadOptions } from "@deep-agent/core/adapter";
import type { FileBackend } from "../../../src/index.ts";
import type { Attempt, Checker } from "./checker.ts";
import type { Random } from "./random.ts";
import { Lane, type Scheduler, type SimulatedProcess } from "./scheduler.ts";

export interface ClientOptions {
  process: SimulatedProcess;
  scheduler: Scheduler;
  checker: Checker;
  random: Random;
  /** The probability that the answer to a call is lost. */
  losses: { rate: number };
  /** Makes a backend that shares only the disk with others. */
  open: () => FileBackend;
}

type Call = Omit<Attempt, "lane" | "start">;

interface Tried {
  records: readonly Message[];
  options: AppendOptions;
}

/**
 * A backend whose answers may get lost. The caller then gets the outcome "unknown", while the call goes on, perhaps for
 * a long time. A second attempt often goes to another backend, like to another server, and does not wait for the first
 * one.
 */
export class Client implements MemoryBackend, LogCapability {
  /** The last attempt at each operation, for the process that succeeds this one. */
  readonly tried: Map<string, Tried> = new Map();
  readonly process: SimulatedProcess;
  readonly #options: ClientOptions;
  #backend: FileBackend;
  #calls = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.process = options.process;
    this.#backend = options.open();
  }

  async load(memoryId: string, options: CallOptions = {}): Promise<Message[] | null> {
    const start = this.#options.checker.time;
    const loaded = await this.#backend.load(memoryId, options);
    this.#options.checker.loaded(start, loaded);
    return loaded;
  }

  read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot | null> {
    return this.#backend.read(memoryId, options);
  }

  append(memoryId: string, records: readonly Message[], options: AppendOptions = {}): Promise<Revision> {
    const { operationId, since } = options;
    if (operationId !== undefined) this.tried.set(operationId, { records, options });
    return this.#write({ kind: "append", records, operationId, since }, (backend) =>
      backend.append(memoryId, records, options),
    );
  }

  /** `expected` is the log at `expectedRevision`. */
  save(
    memoryId: string,
    records: readonly Message[],
    options: SaveOptions = {},
    expected?: Call["expected"],
  ): Promise<void> {
    const { operationId } = options;
    return this.#write({ kind: "save", records, operationId, expected }, (backend) =>
      backend.save(memoryId, records, options),
    );
  }

  delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    return this.#write({ kind: "delete", records: [] }, (backend) => backend.delete(memoryId, options));
  }

  list(options: ListOptions = {}): Promise<string[]> {
    return this.#write({ kind: "list", records: [] }, (backend) => backend.list(options));
  }

  compact(memoryId: string): Promise<unknown> {
    return this.#write({ kind: "compact", records: [] }, (backend) => backend.compact(memoryId));
  }

  /** Starts the process again: it has lost everything that it kept in RAM. */
  reopen(): void {
    this.#backend = this.#options.open();
  }

  async #write<T>(call: Call, perform: (backend: FileBackend) => Promise<T>): Promise<T> {
    const { process, scheduler, checker, random, losses } = this.#options;
    const lost = random.chance(losses.rate);
    const survives = lost && random.chance(0.3);
    const owner = survives ? { name: `a server of ${process.name}`, alive: true } : process;
    const lane = new Lane(`${scheduler.lane?.name ?? process.name} ${call.kind} ${++this.#calls}`, owner);
    const attempt: Attempt = { ...call, lane, start: scheduler.time };
    checker.begin(attempt);
    scheduler.note(`${lane.name} begins, since ${String(call.since)}: ${call.records.map(({ id }) => id).join(" ")}`);
    const running = this.#observed(
      attempt,
      scheduler.run(lane, () => perform(this.#backend)),
    );
    if (!lost) return running;
    if (random.chance(0.5)) lane.frozenUntil = scheduler.time + random.below(10) + (random.chance(0.5) ? 200 : 0);
    if (survives || random.chance(0.7)) this.reopen();
    const ended = running.then(ignore, ignore);
    await (!survives && random.chance(0.4) ? ended : scheduler.step(`the answer to ${lane.name} is lost`, ignore));
    throw new MemoryError("UNAVAILABLE", "The model lost the answer.", { outcome: "unknown", retryable: true });
  }

  async #observed<T>(attempt: Attempt, running: Promise<T>): Promise<T> {
    const { checker, scheduler } = this.#options;
    try {
      const result = await running;
      checker.succeeded(attempt);
      scheduler.note(`${attempt.lane.name} is done`);
      return result;
    } catch (error) {
      checker.failed(attempt, error);
      scheduler.note(`${attempt.lane.name} fails: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
  }
}

function ignore(): void {}
