import { MemoryError, type Ttl } from "@deep-agent/core/adapter";

/** What errors and events call this backend. */
export const BACKEND = "in-memory";

/** How many memories a backend keeps unless an option says otherwise. */
export const DEFAULT_MAX_MEMORIES = 10_000;

/** The most that can be asked for: room for the bookkeeping of this many is set aside at first use. */
const MAX_MEMORIES = 10_000_000;

export interface InMemoryOptions {
  /** How long a memory lives after its last write or `touch`: `"7d"`, milliseconds, or `0` or `null` for ever. Default: for ever. */
  ttl?: Ttl | undefined;
  /**
   * How many memories are kept, 10,000 by default. One more, and the one that was not used for longest is **lost**; a
   * warning on `backendChannel` says which.
   */
  maxMemories?: number | undefined;
  /** The time in milliseconds since 1970. Default `Date.now`; give another one in tests. */
  clock?: (() => number) | undefined;
}

/** The names of {@link InMemoryOptions}. */
export const optionNames: readonly string[] = ["ttl", "maxMemories", "clock"] satisfies (keyof InMemoryOptions)[];

/** Throws `INVALID_CONFIG` unless the number is one that memory can be set aside for. */
export function checkMaxMemories(value: unknown): asserts value is number {
  if (!Number.isSafeInteger(value) || Number(value) < 1 || Number(value) > MAX_MEMORIES) {
    throw new MemoryError("INVALID_CONFIG", `\`maxMemories\` must be an integer from 1 to ${MAX_MEMORIES}.`, {
      backend: BACKEND,
    });
  }
}

/** The clock, made to throw `INVALID_CONFIG` where it gives no time. Throws the same where it is no function. */
export function checkedClock(clock: unknown): () => number {
  if (typeof clock !== "function") throw invalidClock();
  return () => {
    const now: unknown = clock();
    if (typeof now !== "number" || !Number.isFinite(now)) throw invalidClock();
    return now;
  };
}

function invalidClock(): MemoryError {
  return new MemoryError("INVALID_CONFIG", "`clock` must be a function that gives milliseconds since 1970.", {
    backend: BACKEND,
  });
}
