import { type AppendOptions, type LogCapability, newId, type ReadOptions } from "../../src/adapter.ts";
import { type MemoryBackend, MemoryError, type Message, type Snapshot } from "../../src/index.ts";

interface Log {
  epoch: string;
  entries: { operationId: string; records: Message[] }[];
}

/** The simplest possible log, in place of a store. Tests inject the faults. */
export class ReferenceLog implements MemoryBackend, LogCapability {
  readonly name = "reference-log";
  readonly logs: Map<string, Log> = new Map();
  readonly calls: { method: string; memoryId: string; options: object }[] = [];
  /** Runs around each call: may throw before, after, or instead of it. */
  around: <T>(method: string, call: () => Promise<T>) => Promise<T> = (_method, call) => call();

  records(memoryId: string): Message[] | null {
    return structuredClone(this.logs.get(memoryId)?.entries.flatMap((entry) => entry.records) ?? null);
  }

  /** Resets the log to its first `entries` entries, as a failover may. */
  lose(memoryId: string, entries: number): void {
    this.logs.get(memoryId)?.entries.splice(entries);
  }

  load(memoryId: string): Promise<Message[] | null> {
    return this.#call("load", memoryId, {}, () => this.records(memoryId));
  }

  save(memoryId: string, records: readonly Message[]): Promise<void> {
    return this.#call("save", memoryId, {}, () => {
      const entries = structuredClone(records).map((record) => ({ operationId: newId(), records: [record] }));
      this.logs.set(memoryId, { epoch: newId(), entries });
    });
  }

  delete(memoryId: string): Promise<void> {
    return this.#call("delete", memoryId, {}, () => void this.logs.delete(memoryId));
  }

  list({ prefix = "" }: { prefix?: string } = {}): Promise<string[]> {
    return this.#call("list", "", {}, () => [...this.logs.keys()].filter((id) => id.startsWith(prefix)));
  }

  append(memoryId: string, records: readonly Message[], options: AppendOptions = {}): Promise<string> {
    return this.#call("append", memoryId, options, () => {
      const { operationId = newId(), since, expectedRevision } = options;
      const log = this.logs.get(memoryId);
      // An earlier attempt is after the revision that its caller knew; in a replaced log, it may be anywhere.
      const from = log === undefined || typeof since !== "string" ? 0 : (this.#positionOf(log, since) ?? 0);
      const position =
        log?.entries.findIndex((entry, index) => index >= from && entry.operationId === operationId) ?? -1;
      if (log !== undefined && position >= 0) return this.#revision(log, position + 1);
      const moved =
        since !== undefined &&
        (since === null ? log !== undefined : log === undefined || this.#positionOf(log, since) === null);
      const unexpected =
        expectedRevision !== undefined && expectedRevision !== (log ? this.#revision(log, log.entries.length) : null);
      if (moved || unexpected)
        throw new MemoryError("CONFLICT", `The revision of ${memoryId} is not the expected one.`);
      const target = log ?? { epoch: newId(), entries: [] };
      this.logs.set(memoryId, target);
      target.entries.push({ operationId, records: structuredClone([...records]) });
      return this.#revision(target, target.entries.length);
    });
  }

  read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot | null> {
    return this.#call("read", memoryId, options, () => {
      const { last = Number.POSITIVE_INFINITY, since, before } = options;
      const log = this.logs.get(memoryId);
      if (log === undefined) return null;
      const known = since ?? before;
      const position = known === undefined ? 0 : this.#positionOf(log, known);
      const from = since === undefined ? 0 : (position ?? 0);
      const to = before === undefined ? log.entries.length : (position ?? log.entries.length);
      let start = to;
      for (let held = 0; start > from && held < last; ) held += log.entries[--start]?.records.length ?? 0;
      return {
        records: structuredClone(log.entries.slice(start, to).flatMap((entry) => entry.records)),
        revision: this.#revision(log, log.entries.length),
        start: start === 0 ? null : this.#revision(log, start),
        reset: position === null || (since !== undefined && start > from),
        regressed: position === null && known?.startsWith(`${log.epoch}/`) === true,
      };
    });
  }

  async #call<T>(method: string, memoryId: string, options: object, run: () => T): Promise<T> {
    this.calls.push({ method, memoryId, options });
    return this.around(method, async () => run());
  }

  /** `<epoch>/<position>/<operation at it>`. */
  #revision(log: Log, position: number): string {
    return `${log.epoch}/${position}/${log.entries[position - 1]?.operationId ?? ""}`;
  }

  #positionOf(log: Log, revision: string): number | null {
    const position = Number(revision.split("/")[1]);
    return position <= log.entries.length && this.#revision(log, position) === revision ? position : null;
  }
}

/** The four methods of a backend and nothing else. */
export function plain(backend: MemoryBackend): MemoryBackend {
  return {
    load: (id, options) => backend.load(id, options),
    save: (id, records, options) => backend.save(id, records, options),
    delete: (id, options) => backend.delete(id, options),
    list: (options) => backend.list(options),
  };
}
