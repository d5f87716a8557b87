import type {
  CallOptions,
  ListOptions,
  MemoryBackend,
  Message,
  Revision,
  SaveOptions,
  Snapshot,
} from "@deep-agent/core";
import type { AppendOptions, LogCapability, ReadOptions } from "@deep-agent/core/adapter";
import type { RedisBackend } from "../../../src/index.ts";
import type { Attempt, Checker } from "./checker.ts";
import { Lane, type Scheduler } from "./scheduler.ts";

export interface ClientOptions {
  name: string;
  scheduler: Scheduler;
  checker: Checker;
  backend: RedisBackend;
  maxRecords: number | null;
}

type Call = Omit<Attempt, "lane" | "start" | "maxRecords">;

/** A backend that reports its calls to the checker. Losses happen below it, in its port. */
export class Client implements MemoryBackend, LogCapability {
  readonly #options: ClientOptions;
  readonly #backend: RedisBackend;
  #calls = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#backend = options.backend;
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
    return this.#write({ kind: "append", records, operationId, since }, (backend) =>
      backend.append(memoryId, records, options),
    );
  }

  /** `expected`: the log at `expectedRevision`. */
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

  /** The ids that `recent()` returns. */
  async recent(): Promise<string[]> {
    const page = await this.#backend.recent?.({ limit: 10 });
    return page?.memories.map(({ memoryId }) => memoryId) ?? [];
  }

  #write<T>(call: Call, perform: (backend: RedisBackend) => Promise<T>): Promise<T> {
    const { name, scheduler, checker, maxRecords } = this.#options;
    const lane = new Lane(`${scheduler.lane?.name ?? name} ${call.kind} ${++this.#calls}`);
    const attempt: Attempt = { ...call, lane, start: scheduler.time, maxRecords };
    checker.begin(attempt);
    scheduler.note(`${lane.name} begins, since ${String(call.since)}: ${call.records.map(({ id }) => id).join(" ")}`);
    return this.#observed(
      attempt,
      scheduler.run(lane, () => perform(this.#backend)),
    );
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
