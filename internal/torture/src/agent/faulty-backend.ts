import {
  type CallOptions,
  type ListOptions,
  type MemoryBackend,
  MemoryError,
  type Message,
  type Outcome,
  type Revision,
  type SaveOptions,
  type Snapshot,
} from "@deep-agent/core";
import { type AppendOptions, type LogCapability, type ReadOptions, untilAborted } from "@deep-agent/core/adapter";
import type { Stage } from "./stage.ts";
import { memoryId } from "./stores.ts";
import type { TurnRecord } from "./turn-record.ts";

/** What may happen to a call of the store. */
export type StoreFault = "none" | "refused" | "request lost" | "reply lost" | "not durable";

interface StoreCall<T> {
  name: string;
  way: "read" | "write";
  apply: () => Promise<T>;
  /** The turns that the answer reports as stored. */
  reported: (answer: T) => readonly TurnRecord[];
}

/**
 * The store as an agent sees it. Each call waits at a gate before it reaches the store, and its answer waits at another
 * gate. A call may fail at random both before and after it reaches the store. An aborted call may still arrive.
 */
export function faultyBackend(stage: Stage, who: string): MemoryBackend {
  return stage.store.backend.append === undefined ? new FaultyStore(stage, who) : new FaultyLog(stage, who);
}

class FaultyStore implements MemoryBackend {
  protected readonly stage: Stage;
  readonly #who: string;

  constructor(stage: Stage, who: string) {
    this.stage = stage;
    this.#who = who;
  }

  load(id: string, { signal }: CallOptions = {}): Promise<Message[] | null> {
    const load = (): Promise<Message[] | null> => this.stage.store.backend.load(id);
    return this.call({ name: "load", way: "read", apply: load, reported: (records) => this.turnsIn(records) }, signal);
  }

  save(id: string, records: readonly Message[], { signal, ...options }: SaveOptions = {}): Promise<void> {
    const { stage } = this;
    const asked = stage.ledger.intend(records);
    const save = (): Promise<void> => stage.mutate(asked, () => stage.store.backend.save(id, records, options));
    return this.call({ name: `save ${asked.label}`, way: "write", apply: save, reported: () => [asked.turn] }, signal);
  }

  delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    const { stage } = this;
    const remove = (): Promise<void> => stage.mutate({ kind: "delete" }, () => stage.store.backend.delete(id));
    return this.call({ name: "delete", way: "write", apply: remove, reported: () => [] }, signal);
  }

  list(options: ListOptions = {}): Promise<string[]> {
    return this.stage.store.backend.list(options);
  }

  /** An aborted write to a plain store does not arrive later: core's fallback does not promise to withstand that. */
  protected async call<T>(call: StoreCall<T>, signal: AbortSignal | undefined): Promise<T> {
    this.stage.storeCalls += 1;
    try {
      return await this.travel(call, signal);
    } finally {
      this.stage.storeCalls -= 1;
    }
  }

  /** The turns in these records that belong to the reading agent, which learns from them that they are stored. */
  protected turnsIn(records: readonly Message[] | null): TurnRecord[] {
    const isOwn = ({ agent }: TurnRecord): boolean =>
      this.#who === agent || this.stage.store.backend.append === undefined;
    return this.stage.ledger.turnsIn(records ?? []).filter(isOwn);
  }

  protected async travel<T>(call: StoreCall<T>, signal: AbortSignal | undefined): Promise<T> {
    const { name, way, apply, reported } = call;
    const { stage } = this;
    const fault = stage.drawStoreFault(way);
    const label = `${this.#who}: ${name}${fault === "none" ? "" : ` (${fault})`}`;
    await stage.park(`${label} arrives`, signal);
    if (fault === "refused") throw unavailable("not-applied");
    if (fault === "request lost") throw unavailable("unknown");
    const answer = await settled(stage.scheduler.busy(apply()));
    await stage.park(`${label} is answered`, signal);
    if (fault === "reply lost") throw unavailable(way === "read" ? "not-applied" : "unknown");
    if (fault === "not durable" && !("error" in answer)) {
      throw new MemoryError("DURABILITY", "The write is applied, but only on one server.", {
        memoryId,
        outcome: "applied",
        retryable: true,
      });
    }
    if ("error" in answer) throw answer.error;
    for (const turn of reported(answer.value)) turn.isConfirmed = true;
    return answer.value;
  }
}

class FaultyLog extends FaultyStore implements LogCapability {
  append(id: string, records: readonly Message[], { signal, ...options }: AppendOptions = {}): Promise<Revision> {
    const { stage } = this;
    const asked = stage.ledger.intend(records);
    const log = this.#log();
    const append = (): Promise<Revision> => stage.mutate(asked, () => log.append(id, records, options));
    return this.call(
      { name: `append ${asked.label}`, way: "write", apply: append, reported: () => [asked.turn] },
      signal,
    );
  }

  read(id: string, { signal, ...options }: ReadOptions = {}): Promise<Snapshot | null> {
    const log = this.#log();
    const read = (): Promise<Snapshot | null> => log.read(id, options);
    const reported = (snapshot: Snapshot | null): TurnRecord[] => this.turnsIn(snapshot?.records ?? null);
    return this.call({ name: `read ${describe(options)}`, way: "read", apply: read, reported }, signal);
  }

  /** An aborted write goes on by itself, and its result is dropped. */
  protected override async call<T>(call: StoreCall<T>, signal: AbortSignal | undefined): Promise<T> {
    if (call.way === "read") return this.travel(call, signal);
    signal?.throwIfAborted();
    return untilAborted(this.travel(call, undefined), signal);
  }

  #log(): LogCapability {
    return this.stage.store.backend as MemoryBackend & LogCapability; // checked by faultyBackend
  }
}

async function settled<T>(task: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await task };
  } catch (error) {
    return { error };
  }
}

function unavailable(outcome: Outcome): MemoryError {
  return new MemoryError("UNAVAILABLE", "The store is unavailable.", { memoryId, outcome, retryable: true });
}

function describe({ last, since, before }: ReadOptions): string {
  const parts = [last === undefined ? "all" : `last ${last}`, since && "since", before && "before"];
  return parts.filter(Boolean).join(", ");
}
