import { MemoryError, type Ttl } from "@deep-agent/core/adapter";

/** What errors and events call this backend. */
export const BACKEND = "in-memory";

/** How many memories a backend keeps by default. */
export const DEFAULT_MAX_MEMORIES = 10_000;

/** The largest `maxMemories`: the first use of a backend sets aside room for the bookkeeping of that many memories. */
const MAX_MEMORIES = 10_000_000;

/** The options of an `InMemoryBackend`. Every option has a default. */
export interface InMemoryOptions {
  /**
   * How long a memory lives after its last write or `touch`: milliseconds, or text such as `"7d"`; `0` or `null`: for
   * ever. Default: for ever.
   */
  ttl?: Ttl | undefined;
  /**
   * How many memories are kept, from 1 to 10,000,000. Default: 10,000. If there are more, the least recently used one
   * is **lost**, and a warning on `backendChannel` names it.
   */
  maxMemories?: number | undefined;
  /** Returns the time in milliseconds since 1970. Default: `Date.now`. Tests can give another clock. */
  clock?: (() => number) | undefined;
}

export const optionNames: readonly string[] = ["ttl", "maxMemories", "clock"] satisfies (keyof InMemoryOptions)[];

/** Throws `INVALID_CONFIG` unless the value is an integer from 1 to {@link MAX_MEMORIES}. */
export function checkMaxMemories(value: unknown): asserts value is number {
  if (!Number.isSafeInteger(value) || Number(value) < 1 || Number(value) > MAX_MEMORIES) {
    throw new MemoryError("INVALID_CONFIG", `\`maxMemories\` must be an integer from 1 to ${MAX_MEMORIES}.`, {
      backend: BACKEND,
    });
  }
}

/**
 * The clock, wrapped so that it throws `INVALID_CONFIG` if it does not return a finite number. Throws the same at once
 * if it is not a function.
 */
export function checkedClock(clock: unknown): () => number {
  if (typeof clock !== "function") throw invalidClock();
  return () => {
    const now: unknown = clock();
    if (typeof now !== "number" || !Number.isFinite(now)) throw invalidClock();
    return now;
  };
}

function invalidClock(): MemoryError {
  return new MemoryError("INVALID_CONFIG", "`clock` must be a function that returns milliseconds since 1970.", {
    backend: BACKEND,
  });
}
