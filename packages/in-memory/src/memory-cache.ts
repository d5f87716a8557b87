import { warnOf } from "@deep-agent/core/adapter";
import { LRUCache } from "lru-cache";
import { BACKEND } from "./in-memory-options.ts";
import type { MemoryLog } from "./memory-log.ts";

/** One memory, and its times. */
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

/** To lru-cache, a start time of 0 means "no TTL", and the clock of a test may well begin at 0. */
const CLOCK_OFFSET = 1;

/** The memories by id. Their number is limited and, with a TTL, their age. */
export class MemoryCache<T extends object> {
  readonly #cache: LRUCache<string, Memory<T>>;
  readonly #ttl: number | null;
  /**
   * When each memory expires, in the order in which the memories were put. All have the same TTL, so the next one to
   * expire comes first. Not a Map: to find the first entry of a Map, V8 steps over all entries deleted before it.
   */
  readonly #expiries: LRUCache<string, number>;

  /** `ttl` in milliseconds; `null`: for ever. */
  constructor(maxMemories: number, ttl: number | null, clock: () => number) {
    this.#ttl = ttl;
    this.#expiries = new LRUCache({ max: maxMemories });
    this.#cache = new LRUCache({
      max: maxMemories,
      ttl: ttl ?? 0,
      // Otherwise the cache would reuse a time that it read for one millisecond of the real clock.
      ttlResolution: 0,
      perf: { now: () => clock() + CLOCK_OFFSET },
      disposeAfter: (_memory, memoryId, reason) => {
        this.#expiries.delete(memoryId);
        if (reason === "evict") warnOfLoss(memoryId, maxMemories);
      },
    });
  }

  /** The memory, which counts as used now; `undefined`: it is absent or expired. */
  get(memoryId: string): Memory<T> | undefined {
    return this.#cache.get(memoryId);
  }

  /** Like {@link get}, but does not count as a use. */
  peek(memoryId: string): Memory<T> | undefined {
    return this.#cache.peek(memoryId);
  }

  /** Keeps the memory. Its TTL is counted from `now`. */
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

  /** The ids of all memories that have not expired. */
  ids(): string[] {
    return [...this.#cache.keys()];
  }

  /** All memories that have not expired, with their ids. */
  *entries(): Generator<[string, Memory<T>]> {
    yield* this.#cache.entries();
  }

  /**
   * Runs before each write. So a new memory takes the place of an expired one before that of any other, and an expired
   * memory that is never read again does not stay in RAM. A timer would not do: `setTimeout` allows at most 24.8 days.
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
    `dropped and lost: there were more than ${maxMemories} memories (maxMemories), and this one was the least recently used`,
    memoryId,
  );
}
