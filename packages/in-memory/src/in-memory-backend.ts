import {
  type AppendOptions,
  type CallOptions,
  type CatalogueCapability,
  checkAppend,
  checkCall,
  checkList,
  checkOptionNames,
  checkOptions,
  checkRead,
  checkRecent,
  checkSave,
  closed,
  conflict,
  type ExpiryCapability,
  type HealthCapability,
  type InfoCapability,
  type LifecycleCapability,
  type ListOptions,
  type LogCapability,
  type MemoryBackend,
  MemoryError,
  type MemoryInfo,
  type Message,
  newId,
  parseTtl,
  type ReadOptions,
  type RecentOptions,
  type RecentPage,
  type Revision,
  type SaveOptions,
  type Snapshot,
  type Ttl,
} from "@deep-agent/core/adapter";
import {
  BACKEND,
  checkedClock,
  checkMaxMemories,
  DEFAULT_MAX_MEMORIES,
  type InMemoryOptions,
  optionNames,
} from "./in-memory-options.ts";
import { type Memory, MemoryCache } from "./memory-cache.ts";
import { MemoryLog } from "./memory-log.ts";
import { recentPage } from "./recent-page.ts";

/**
 * Memories in the RAM of this process: for tests, caches and processes that need not outlive their conversations. It keeps
 * at most `maxMemories` and drops the least recently used one beyond that, so nothing that must last belongs here.
 *
 * ```ts
 * const backend = new InMemoryBackend({ ttl: "1h", maxMemories: 1_000 });
 * ```
 */
export class InMemoryBackend<T extends object = Message>
  implements
    MemoryBackend<T>,
    LogCapability<T>,
    HealthCapability,
    LifecycleCapability,
    InfoCapability,
    CatalogueCapability,
    ExpiryCapability
{
  readonly name: string = BACKEND;
  #ttl: number | null;
  readonly #maxMemories: number;
  readonly #clock: () => number;
  #cache: MemoryCache<T> | undefined;
  #isClosed = false;
  /** Numbers the writes, so that those of one millisecond keep their order in the catalogue. */
  #writes = 0;

  /** Throws `INVALID_CONFIG` for options that do not exist or make no sense. */
  constructor(options: InMemoryOptions = {}) {
    checkOptionNames("InMemoryBackend", options, optionNames, BACKEND);
    const { ttl = null, maxMemories = DEFAULT_MAX_MEMORIES, clock = Date.now } = options;
    checkMaxMemories(maxMemories);
    this.#ttl = parseTtl(ttl);
    this.#maxMemories = maxMemories;
    this.#clock = checkedClock(clock);
  }

  /** Sets the TTL ({@link InMemoryOptions.ttl}). Throws `INVALID_CONFIG` after first use. */
  withTTL(ttl: Ttl): this {
    if (this.#cache !== undefined || this.#isClosed) throw usedAlready();
    this.#ttl = parseTtl(ttl);
    return this;
  }

  // Every method does all its work before it first yields, so calls take effect whole and in the order they were made.

  async load(memoryId: string, options?: CallOptions): Promise<T[] | null> {
    const cache = this.#use();
    checkCall(memoryId, options);
    return cache.get(memoryId)?.log.read().records ?? null;
  }

  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    const cache = this.#use();
    const texts = checkSave(memoryId, records, options);
    const { operationId, expectedRevision } = options;
    const memory = cache.get(memoryId);
    if (memory?.log.wasSavedBy(operationId)) return;
    checkExpected(memoryId, memory, expectedRevision);
    const written = this.#written(memory);
    written.log.replace(operationId, texts);
    cache.put(memoryId, written, written.updatedAt);
  }

  async append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    const cache = this.#use();
    const texts = checkAppend(memoryId, records, options);
    const { operationId = newId(), since, expectedRevision } = options;
    const memory = cache.get(memoryId);
    const appended = memory?.log.find(operationId, since);
    if (appended !== undefined) return appended;
    // Absent: only who knew of nothing, or says nothing, goes on where it left off.
    const continues = memory === undefined ? since === undefined || since === null : memory.log.continues(since);
    if (!continues) throw conflict(memoryId, BACKEND);
    checkExpected(memoryId, memory, expectedRevision);
    const written = this.#written(memory);
    written.log.append(operationId, texts);
    cache.put(memoryId, written, written.updatedAt);
    return written.log.revision;
  }

  async read(memoryId: string, options?: ReadOptions): Promise<Snapshot<T> | null> {
    const cache = this.#use();
    checkRead(memoryId, options);
    return cache.get(memoryId)?.log.read(options) ?? null;
  }

  async delete(memoryId: string, options?: CallOptions): Promise<void> {
    const cache = this.#use();
    checkCall(memoryId, options);
    cache.delete(memoryId);
  }

  async list(options: ListOptions = {}): Promise<string[]> {
    const cache = this.#use();
    checkList(options);
    const { prefix = "" } = options;
    return cache.ids().filter((memoryId) => memoryId.startsWith(prefix));
  }

  /** The most recently written first, also within a millisecond. Costs time in proportion to all memories. */
  async recent(options: RecentOptions): Promise<RecentPage> {
    const cache = this.#use();
    checkRecent(options);
    return recentPage(cache, options);
  }

  /** `bytes` is what the JSON texts of the records take in UTF-8; the RAM behind them is somewhat more. */
  async info(memoryId: string, options?: CallOptions): Promise<MemoryInfo | null> {
    const cache = this.#use();
    checkCall(memoryId, options);
    const memory = cache.peek(memoryId);
    if (memory === undefined) return null;
    const { log, createdAt, updatedAt, expiresAt } = memory;
    return { records: log.records, bytes: log.bytes, createdAt, updatedAt, expiresAt };
  }

  async touch(memoryId: string, options?: CallOptions): Promise<void> {
    const cache = this.#use();
    checkCall(memoryId, options);
    const memory = cache.get(memoryId);
    if (memory !== undefined) cache.put(memoryId, memory, this.#clock());
  }

  /** There is nothing to reach: `latencyMs` is 0. */
  async ping(options?: CallOptions): Promise<{ latencyMs: number }> {
    this.#use();
    checkOptions(options);
    return { latencyMs: 0 };
  }

  /** Forgets all memories. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cache?.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #use(): MemoryCache<T> {
    if (this.#isClosed) throw closed("InMemoryBackend", BACKEND);
    this.#cache ??= new MemoryCache<T>(this.#maxMemories, this.#ttl, this.#clock);
    return this.#cache;
  }

  /** The memory as it is to be put after a write to it. */
  #written(memory: Memory<T> | undefined): Memory<T> {
    const now = this.#clock();
    this.#writes += 1;
    const { log, createdAt } = memory ?? { log: new MemoryLog<T>(), createdAt: now };
    return { log, createdAt, updatedAt: now, expiresAt: null, writeNumber: this.#writes };
  }
}

function checkExpected<T extends object>(
  memoryId: string,
  memory: Memory<T> | undefined,
  expected: Revision | null | undefined,
): void {
  if (expected === undefined || expected === (memory?.log.revision ?? null)) return;
  throw conflict(memoryId, BACKEND);
}

function usedAlready(): MemoryError {
  return new MemoryError("INVALID_CONFIG", "`withTTL` came after the backend was first used.", {
    backend: BACKEND,
    hint: "Configure a backend before anything is read or written.",
  });
}
