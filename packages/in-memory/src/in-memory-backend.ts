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
  type PingResult,
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
 * Keeps memories in the RAM of this process: for tests, for caches, and for conversations that need not outlive the
 * process. It keeps at most `maxMemories` memories. When there are more, it drops the least recently used one, so
 * anything that must last belongs in another backend.
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
  /** `"in-memory"`: what errors and events call this backend. */
  readonly name: string = BACKEND;
  #ttl: number | null;
  readonly #maxMemories: number;
  readonly #clock: () => number;
  #cache: MemoryCache<T> | undefined;
  #isClosed = false;
  /** Numbers the writes, so that writes within one millisecond keep their order in the catalogue. */
  #writes = 0;

  /** All options have defaults. Throws `INVALID_CONFIG` for an unknown option or an invalid value. */
  constructor(options: InMemoryOptions = {}) {
    checkOptionNames("InMemoryBackend", options, optionNames, BACKEND);
    const { ttl = null, maxMemories = DEFAULT_MAX_MEMORIES, clock = Date.now } = options;
    checkMaxMemories(maxMemories);
    this.#ttl = parseTtl(ttl);
    this.#maxMemories = maxMemories;
    this.#clock = checkedClock(clock);
  }

  /** Sets the TTL ({@link InMemoryOptions.ttl}). Throws `INVALID_CONFIG` if the backend has been used or closed. */
  withTTL(ttl: Ttl): this {
    if (this.#cache !== undefined || this.#isClosed) throw usedAlready();
    this.#ttl = parseTtl(ttl);
    return this;
  }

  // Every method does all its work before it first yields. So each call takes effect whole, in the order of the calls.

  /**
   * All records, oldest first; `null`: there is no such memory. Costs time in proportion to the length of the memory.
   */
  async load(memoryId: string, options?: CallOptions): Promise<T[] | null> {
    const cache = this.#use();
    checkCall(memoryId, options);
    return cache.get(memoryId)?.log.read().records ?? null;
  }

  /**
   * Replaces the whole memory in one step. Throws `CONFLICT` if the memory is not at `expectedRevision`. Changes
   * nothing if one of the last 64 saves that had an `operationId` had the same one. With `keepOperations`, the newest
   * 64 appends stay known by their operation ids.
   */
  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    const cache = this.#use();
    const texts = checkSave(memoryId, records, options);
    const { operationId, expectedRevision, keepOperations = false } = options;
    const memory = cache.get(memoryId);
    if (memory?.log.wasSavedBy(operationId)) return;
    checkExpected(memoryId, memory, expectedRevision);
    const written = this.#written(memory);
    written.log.replace(operationId, texts, keepOperations);
    cache.put(memoryId, written, written.updatedAt);
  }

  /**
   * Adds one entry after all earlier ones, and answers the new revision. The same `operationId` again changes nothing.
   * Throws `CONFLICT` if the memory is not at `expectedRevision`, or no longer continues `since`.
   */
  async append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    const cache = this.#use();
    const texts = checkAppend(memoryId, records, options);
    const { operationId = newId(), since, expectedRevision } = options;
    const memory = cache.get(memoryId);
    const appended = memory?.log.find(operationId, since);
    if (appended !== undefined) return appended;
    // An append to an absent memory may go on only if its caller knew of no memory, or did not say what it knew.
    const continues = memory === undefined ? since === undefined || since === null : memory.log.continues(since);
    if (!continues) throw conflict(memoryId, BACKEND);
    checkExpected(memoryId, memory, expectedRevision);
    const written = this.#written(memory);
    written.log.append(operationId, texts);
    cache.put(memoryId, written, written.updatedAt);
    return written.log.revision;
  }

  /** The part that the options ask for, in whole entries; `null`: there is no such memory. */
  async read(memoryId: string, options?: ReadOptions): Promise<Snapshot<T> | null> {
    const cache = this.#use();
    checkRead(memoryId, options);
    return cache.get(memoryId)?.log.read(options) ?? null;
  }

  /** Removes the memory. An absent memory is not an error. */
  async delete(memoryId: string, options?: CallOptions): Promise<void> {
    const cache = this.#use();
    checkCall(memoryId, options);
    cache.delete(memoryId);
  }

  /** The ids that start with `prefix`, in any order; default: all ids. Costs time in proportion to all memories. */
  async list(options: ListOptions = {}): Promise<string[]> {
    const cache = this.#use();
    checkList(options);
    const { prefix = "" } = options;
    return cache.ids().filter((memoryId) => memoryId.startsWith(prefix));
  }

  /**
   * A page of memories, the most recently written first, also within a millisecond. Costs time in proportion to all
   * memories. Throws `INVALID_ARGUMENT` for a `cursor` that no page had.
   */
  async recent(options: RecentOptions): Promise<RecentPage> {
    const cache = this.#use();
    checkRecent(options);
    return recentPage(cache, options);
  }

  /**
   * Size and times of a memory; `null`: there is no such memory. `bytes` is the size of the records' JSON texts in
   * UTF-8; they take somewhat more RAM than that. Does not count as a use of the memory.
   */
  async info(memoryId: string, options?: CallOptions): Promise<MemoryInfo | null> {
    const cache = this.#use();
    checkCall(memoryId, options);
    const memory = cache.peek(memoryId);
    if (memory === undefined) return null;
    const { log, createdAt, updatedAt, expiresAt } = memory;
    return { records: log.records, bytes: log.bytes, createdAt, updatedAt, expiresAt };
  }

  /** Renews the TTL of the memory, and counts as a use of it. An absent memory is not an error. */
  async touch(memoryId: string, options?: CallOptions): Promise<void> {
    const cache = this.#use();
    checkCall(memoryId, options);
    const memory = cache.get(memoryId);
    if (memory !== undefined) cache.put(memoryId, memory, this.#clock());
  }

  /** `latencyMs` is always 0, because there is no server to reach. */
  async ping(options?: CallOptions): Promise<PingResult> {
    this.#use();
    checkOptions(options);
    return { latencyMs: 0 };
  }

  /** Forgets all memories. Later calls throw `CLOSED`; closing again is fine. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cache?.clear();
  }

  /** Calls {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #use(): MemoryCache<T> {
    if (this.#isClosed) throw closed("InMemoryBackend", BACKEND);
    this.#cache ??= new MemoryCache<T>(this.#maxMemories, this.#ttl, this.#clock);
    return this.#cache;
  }

  /** The memory to put into the cache after a write to it. */
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
  return new MemoryError("INVALID_CONFIG", "`withTTL` was called after the backend was first used.", {
    backend: BACKEND,
    hint: "Call it before the first read or write.",
  });
}
