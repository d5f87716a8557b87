import {
  type AppendOptions,
  type CallOptions,
  type CatalogueCapability,
  checkAppend,
  checkCall,
  checkList,
  checkOptions,
  checkRead,
  checkRecent,
  checkSave,
  conflict,
  type HealthCapability,
  type InfoCapability,
  type LifecycleCapability,
  type ListOptions,
  type LogCapability,
  type MemoryBackend,
  type MemoryInfo,
  type Message,
  newId,
  type ReadOptions,
  type RecentOptions,
  type RecentPage,
  type Revision,
  type SaveOptions,
  type Snapshot,
} from "@deep-agent/core/adapter";
import { Database } from "./database.ts";
import { EntryTable } from "./entry-table.ts";
import { judge } from "./judgement.ts";
import { type Memory, MemoryTable } from "./memory-table.ts";
import { grown, replaced } from "./next-memory.ts";
import { formatRevision } from "./revision.ts";
import { BACKEND } from "./sqlite-error.ts";
import { checkedOptions, type SqliteOptions } from "./sqlite-options.ts";

/**
 * How many of the newest entries are searched for an operation of an append without `since`. A save with
 * `keepOperations` keeps as many appends known.
 */
const SEARCHED_ENTRIES = 64;

/**
 * Memories in a SQLite file, which several processes of one machine may use at the same time.
 *
 * ```ts
 * const backend = new SqliteBackend({ path: "memories.db" });
 * ```
 */
export class SqliteBackend<T extends object = Message>
  implements
    MemoryBackend<T>,
    LogCapability<T>,
    HealthCapability,
    LifecycleCapability,
    InfoCapability,
    CatalogueCapability
{
  readonly name: string = BACKEND;
  readonly #database: Database;
  readonly #memories: MemoryTable;
  readonly #entries: EntryTable;

  /** Opens nothing; the first call does. Throws `INVALID_CONFIG`. */
  constructor(options: SqliteOptions) {
    this.#database = new Database(checkedOptions(options));
    this.#memories = new MemoryTable(this.#database);
    this.#entries = new EntryTable(this.#database);
  }

  // A method checks its arguments, and then does all its work in one transaction before it first yields. So calls take
  // effect whole, and in the order in which they are made.

  async load(memoryId: string, options?: CallOptions): Promise<T[] | null> {
    checkCall(memoryId, options);
    return this.#read(memoryId, {})?.records ?? null;
  }

  async read(memoryId: string, options?: ReadOptions): Promise<Snapshot<T> | null> {
    checkRead(memoryId, options);
    return this.#read(memoryId, options ?? {});
  }

  async append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    const texts = checkAppend(memoryId, records, options);
    const { operationId = newId(), since, expectedRevision } = options;
    return this.#database.write({ doing: "write to", memoryId }, () => {
      const memory = this.#memories.find(memoryId);
      const known = typeof since === "string" && memory !== undefined ? judge(since, memory, this.#entries) : undefined;
      // If the operation was stored before, return the same revision, whatever the other options are. It can only be
      // after what the caller knew at its first attempt.
      if (memory !== undefined) {
        const after = since === undefined ? memory.position - SEARCHED_ENTRIES : (known?.position ?? 0);
        const found = this.#entries.find(memory.key, operationId, after);
        if (found !== undefined) return formatRevision({ epoch: memory.epoch, ...found });
        // An append that the last save kept known was made before that save, so no `since` that holds is before it.
        if (known?.holds !== true && memory.kept.includes(operationId)) {
          const mark = this.#entries.markAt(memory.key, memory.saved) ?? "";
          return formatRevision({ epoch: memory.epoch, position: memory.saved, mark });
        }
      }
      const continues = since === undefined || (since === null ? memory === undefined : known?.holds === true);
      if (!continues) throw conflict(memoryId, BACKEND);
      checkExpected(memoryId, memory, expectedRevision);

      const next = grown(memory, texts);
      const key = this.#memories.put(memoryId, next);
      this.#entries.add(key, { ...next, operation: operationId, texts });
      return formatRevision(next);
    });
  }

  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    const texts = checkSave(memoryId, records, options);
    const { operationId, expectedRevision, keepOperations = false } = options;
    this.#database.write({ doing: "write to", memoryId }, () => {
      const memory = this.#memories.find(memoryId);
      if (operationId !== undefined && memory?.saves.includes(operationId)) return;
      checkExpected(memoryId, memory, expectedRevision);

      const kept =
        keepOperations && memory !== undefined
          ? [...memory.kept, ...this.#entries.newestOperations(memory.key, SEARCHED_ENTRIES)].slice(-SEARCHED_ENTRIES)
          : [];
      if (memory !== undefined) this.#entries.removeAll(memory.key);
      const next = replaced(memory, texts, operationId, kept);
      const key = this.#memories.put(memoryId, next);
      // One entry for each record, so that a window can begin at any saved record.
      for (const [index, text] of texts.entries()) {
        this.#entries.add(key, { position: index + 1, operation: "", mark: next.mark, texts: [text] });
      }
    });
  }

  async delete(memoryId: string, options?: CallOptions): Promise<void> {
    checkCall(memoryId, options);
    this.#database.write({ doing: "delete", memoryId }, () => {
      const memory = this.#memories.find(memoryId);
      if (memory === undefined) return;
      this.#entries.removeAll(memory.key);
      this.#memories.remove(memory);
    });
  }

  async list(options: ListOptions = {}): Promise<string[]> {
    checkList(options);
    return this.#database.read({ doing: "list" }, () => this.#memories.ids(options.prefix ?? ""));
  }

  /** In the order of the writes, even of writes within one millisecond. */
  async recent(options: RecentOptions): Promise<RecentPage> {
    checkRecent(options);
    return this.#database.read({ doing: "list" }, () => this.#memories.recent(options));
  }

  /** `bytes` is the size of the records' JSON texts in UTF-8. `expiresAt` is always `null`. */
  async info(memoryId: string, options?: CallOptions): Promise<MemoryInfo | null> {
    checkCall(memoryId, options);
    const memory = this.#database.read({ doing: "read", memoryId }, () => this.#memories.find(memoryId));
    if (memory === undefined) return null;
    const { records, bytes, createdAt, updatedAt } = memory;
    return { records, bytes, createdAt, updatedAt, expiresAt: null };
  }

  /** Reads from the file. */
  async ping(options?: CallOptions): Promise<{ latencyMs: number }> {
    checkOptions(options);
    const started = performance.now();
    this.#database.read({ doing: "read" }, () => this.#database.statement("SELECT 1 FROM memories LIMIT 1").get());
    return { latencyMs: performance.now() - started };
  }

  /** There are never calls in flight: each has ended when it returns its promise. */
  async close(): Promise<void> {
    this.#database.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #read(memoryId: string, { last, since, before }: ReadOptions): Snapshot<T> | null {
    return this.#database.read({ doing: "read", memoryId }, () => {
      const memory = this.#memories.find(memoryId);
      if (memory === undefined) return null;
      const given = since ?? before;
      const known = given === undefined ? undefined : judge(given, memory, this.#entries);
      // If the revision does not hold, the reader gets the whole log, and `reset` tells it to drop its own records.
      const after = since !== undefined && known?.holds ? known.position : 0;
      const end = before !== undefined && known?.holds ? known.position : memory.position;
      const { records, start } = this.#entries.newest<T>(memory.key, memoryId, { after, end, last });
      // The mark of the entry right before the page; the first page has no such entry.
      const mark = this.#entries.markAt(memory.key, start) ?? "";
      return {
        records,
        revision: formatRevision(memory),
        start: start === 0 ? null : formatRevision({ epoch: memory.epoch, position: start, mark }),
        reset: known?.holds === false || (since !== undefined && start > after),
        regressed: known?.regressed === true,
      };
    });
  }
}

function checkExpected(memoryId: string, memory: Memory | undefined, expected: Revision | null | undefined): void {
  if (expected === undefined || expected === (memory === undefined ? null : formatRevision(memory))) return;
  throw conflict(memoryId, BACKEND);
}
