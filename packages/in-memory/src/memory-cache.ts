import { warnOf } from "@deep-agent/core/adapter";
import { LRUCache } from "lru-cache";
import { BACKEND } from "./in-memory-options.ts";
import type { MemoryLog } from "./memory-log.ts";

/** What is kept of one memory. */
export interface Memory<T extends object> {
  log: MemoryLog<T>;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Milliseconds since 1970. */
  updatedAt: number;
  /** Milliseconds since 1970; `null`: never. */
  expiresAt: number | null;
  /** Grows with every write to any memory. */
  writeNumber: number;
}

/** lru-cache takes a start time of 0 for "no TTL"; a test's clock may well begin there. */
const CLOCK_OFFSET = 1;

/** The memories by id, bounded in number and, with a TTL, in time. */
export class MemoryCache<T extends object> {
  readonly #cache: LRUCache<string, Memory<T>>;
  readonly #ttl: number | null;
  /**
   * When each memory expires, the next one first: the TTL is the same for all, so that is the order in which they were put.
   * Not a Map: to find the first entry of one, V8 steps over all that were deleted before it.
   */
  readonly #expiries: LRUCache<string, number>;

  /** `ttl` in milliseconds; `null`: for ever. */
  constructor(maxMemories: number, ttl: number | null, clock: () => number) {
    this.#ttl = ttl;
    this.#expiries = new LRUCache({ max: maxMemories });
    this.#cache = new LRUCache({
      max: maxMemories,
      ttl: ttl ?? 0,
      // The cache would otherwise remember the time for a millisecond of the real clock.
      ttlResolution: 0,
      perf: { now: () => clock() + CLOCK_OFFSET },
      disposeAfter: (_memory, memoryId, reason) => {
        this.#expiries.delete(memoryId);
        if (reason === "evict") warnOfLoss(memoryId, maxMemories);
      },
    });
  }

  /** The memory, which counts as used now; `undefined`: absent or expired. */
  get(memoryId: string): Memory<T> | undefined {
    return this.#cache.get(memoryId);
  }

  /** As {@link get}, without using it. */
  peek(memoryId: string): Memory<T> | undefined {
    return this.#cache.peek(memoryId);
  }

  /** Keeps the memory, with its time to live counted from `now`. */
  put(memoryId: string, memory: Memory<T>, now: number): void {
    this.#dropExpired(now);
    const expiresAt = this.#ttl === null ? null : now + this.#ttl;
    this.#cache.set(memoryId, { ...memory, expiresAt }, { start: now + CLOCK_OFFSET });
    if (expiresAt !== null) this.#expiries.set(memoryId, expiresAt);
  }

  delete(memoryId: string): void {
    this.#cache.delete(memoryId);
  }

  clear(): void {
    this.#cache.clear();
  }

  /** The ids of all that is neither absent nor expired. */
  ids(): string[] {
    return [...this.#cache.keys()];
  }

  /** The same, with their memories. */
  *entries(): Generator<[string, Memory<T>]> {
    yield* this.#cache.entries();
  }

  /**
   * Before each write, so that a new memory takes the place of an expired one before that of any other, and so that what
   * nobody asks for again does not stay in RAM. Timers are no help: setTimeout ends at 24.8 days.
   */
  #dropExpired(now: number): void {
    for (;;) {
      const memoryId = this.#expiries.rkeys().next().value;
      if (memoryId === undefined || (this.#expiries.peek(memoryId) ?? now) >= now) return;
      this.#cache.delete(memoryId);
    }
  }
}

function warnOfLoss(memoryId: string, maxMemories: number): void {
  warnOf(BACKEND)(
    `dropped and lost: there were more than ${maxMemories} memories, and this one was not used for longest (maxMemories)`,
    memoryId,
  );
}
