import type { Message } from "./message.ts";

declare global {
  /** For programs whose compiler has neither `@types/node` nor the DOM; the members come from those. */
  interface AbortSignal {}
}

/**
 * Where conversations are kept: the one interface between the agent and a store.
 *
 * A *memory* is an append-only log of JSON records under one id. An adapter must have the four methods below. It
 * declares everything else that it can do by having the methods of a capability (`Capabilities`). A method that
 * an adapter does not support is undefined; it never exists only to throw.
 *
 * Every method rejects with a {@link MemoryError}, or with the signal's reason after an abort. An abort does not undo
 * a write that was already sent. Records are opaque JSON objects: they come back equal to what was stored, and the
 * backend shares no objects with the caller. A value that JSON cannot carry is refused with `INVALID_RECORD` before
 * anything is written.
 */
export interface MemoryBackend<T extends object = Message> {
  /** What errors and events call the store, such as `"redis"` or `"file"`. Layers pass it on. Absent: `"backend"`. */
  readonly name?: string | undefined;
  /** Loads all records, oldest first. `null`: the memory does not exist. `[]`: it exists and is empty. */
  load(memoryId: string, options?: CallOptions): Promise<T[] | null>;
  /** Replaces the whole log atomically: a reader sees either the old log or the new one. */
  save(memoryId: string, records: readonly T[], options?: SaveOptions): Promise<void>;
  /** Removes the memory and everything stored with it. Succeeds if the memory does not exist. */
  delete(memoryId: string, options?: CallOptions): Promise<void>;
  /** Lists the ids of all memories whose id starts with `prefix`, taken literally. Each id once, in any order. */
  list(options?: ListOptions): Promise<string[]>;
}

/** What every call of a backend accepts. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. Default: the call cannot be aborted. */
  signal?: AbortSignal | undefined;
}

/** Options of `list`. */
export interface ListOptions extends CallOptions {
  /** Only ids that start with this text, taken literally. Default: all ids. */
  prefix?: string | undefined;
}

/** What `save` and `append` have in common. */
export interface WriteOptions extends CallOptions {
  /**
   * Write only if the log is still at this revision; `null`: only if the memory does not exist. Otherwise the call
   * rejects with `CONFLICT` and writes nothing. A backend without `log` rejects it with `NOT_SUPPORTED`.
   */
  expectedRevision?: Revision | null | undefined;
  /**
   * Names the write: a repeated call with the same id changes nothing. It matches `[A-Za-z0-9_-]{1,64}`. Default:
   * every call is an operation of its own. A backend without `log` rejects it with `NOT_SUPPORTED`.
   */
  operationId?: string | undefined;
}

/** Options of `save`. */
export interface SaveOptions extends WriteOptions {
  /**
   * Says that the records are the memory's own, changed or fewer, as after a change of keys or a cut. The newest 64
   * appends that the log knew before stay known: a repeated `append` with the `operationId` of one of them changes
   * nothing and resolves to a revision of the new log, without `since` and with a `since` from before this save. (A
   * `since` from after it says that the operation was not made before.) Named saves stay known in any case. Default
   * `false`: the records are other ones, so such an append without `since` is made again, and one with `since` rejects
   * with `CONFLICT`. A backend without `log` rejects `true` with `NOT_SUPPORTED`.
   */
  keepOperations?: boolean | undefined;
}

/**
 * The state of a log at one moment: an opaque string that changes with every write. What a reader knows advances only
 * by a `read`.
 */
export type Revision = string;

/** Capability `log`: appends turns and reads windows at a cost that does not grow with the log. */
export interface LogCapability<T extends object = Message> {
  /**
   * Adds one entry after all earlier entries: all `records` or none. Creates the memory if it does not exist.
   * Resolves to the revision after the entry. A repeated call with the same `operationId` changes nothing and
   * resolves to the same revision as the first call, or to one of the new log if a save has kept the operation.
   */
  append(memoryId: string, records: readonly T[], options?: AppendOptions): Promise<Revision>;
  /** Reads the part of the log that the options select, always in whole entries. `null`: the memory does not exist. */
  read(memoryId: string, options?: ReadOptions): Promise<Snapshot<T> | null>;
}

/** Options of `append`. */
export interface AppendOptions extends WriteOptions {
  /**
   * The revision that the caller knew before its *first* attempt at this operation (`null`: the memory did not
   * exist). Pass the same value in every retry. It bounds the search for a duplicate, which can only be after that
   * revision. If the log is no longer the one that `since` belongs to, all of it is searched; if the operation is not
   * found there, the call rejects with `CONFLICT` and writes nothing. Default: the last 64 entries are searched, and
   * what the last save has kept ({@link SaveOptions.keepOperations}).
   */
  since?: Revision | null | undefined;
}

/** Options of `read`. Give `since` or `before`, not both. */
export interface ReadOptions extends CallOptions {
  /**
   * Only the newest whole entries that together hold at least this many records, or all entries if there are fewer. A
   * positive integer. Default: no limit.
   */
  last?: number | undefined;
  /** Only entries after this revision. With `last`, the newest of those. Default: from the beginning of the log. */
  since?: Revision | undefined;
  /** Only entries before this place, the {@link Snapshot.start} of a newer page. Default: up to the end of the log. */
  before?: Revision | undefined;
}

/** A part of a log, as it was at one moment. */
export interface Snapshot<T extends object = Message> {
  /** The selected records, oldest first. */
  records: T[];
  /** The revision of the whole log at that moment. */
  revision: Revision;
  /** Where `records` begin: pass it as `before` to read the next older page. `null`: at the beginning of the log. */
  start: Revision | null;
  /**
   * `records` do not continue what the reader knew: the log is not the one that `since` (or `before`) belongs to, or
   * `last` left out entries after `since`. The reader must drop what it read before.
   */
  reset: boolean;
  /** The log is the one that `since` belongs to, but lacks entries it had then: the store lost acknowledged writes. */
  regressed: boolean;
}

/** Capability `health`: asks the store whether it answers. */
export interface HealthCapability {
  /** Resolves when the store answers. */
  ping(options?: CallOptions): Promise<PingResult>;
}

/** The answer to a {@link HealthCapability.ping}. */
export interface PingResult {
  /** How long the store took to answer, in ms. */
  latencyMs: number;
}

/** Capability `lifecycle`: releases what the backend holds. `await using` calls it too. */
export interface LifecycleCapability extends AsyncDisposable {
  /**
   * Waits for the calls in flight, up to their deadline, and releases all resources. May be called again. Later calls
   * of other methods reject with `CLOSED`.
   */
  close(): Promise<void>;
}

/** Capability `info`: facts about a memory without its records. */
export interface InfoCapability {
  /** Facts about a memory without reading it. `null`: the memory does not exist. */
  info(memoryId: string, options?: CallOptions): Promise<MemoryInfo | null>;
}

/** Facts about one memory. */
export interface MemoryInfo {
  /** The number of records in the log. */
  records: number;
  /** The size of the log in the store, in bytes. What counts is documented by the adapter. */
  bytes: number;
  /** When the memory was created: milliseconds since 1970. */
  createdAt: number;
  /** When it was last written: milliseconds since 1970. */
  updatedAt: number;
  /** When it expires: milliseconds since 1970. `null`: never. */
  expiresAt: number | null;
}

/** Capability `catalogue`: lists memories by their last write. */
export interface CatalogueCapability {
  /** A page of memories, the most recently written first. Rejects with `INVALID_ARGUMENT` for an invalid `cursor`. */
  recent(options: RecentOptions): Promise<RecentPage>;
}

/** Options of `recent`. */
export interface RecentOptions extends ListOptions {
  /** The maximum number of memories in a page: a positive integer. */
  limit: number;
  /** The `cursor` of the previous page. Default: the first page. */
  cursor?: string | undefined;
}

/** One page of `recent`. */
export interface RecentPage {
  /** The memories of this page, the most recently written first. */
  memories: RecentMemory[];
  /** Pass it to get the next page. `null`: this is the last page. */
  cursor: string | null;
}

/** One memory in a page of `recent`. */
export interface RecentMemory {
  /** The id of the memory. */
  memoryId: string;
  /** When it was last written: milliseconds since 1970. */
  updatedAt: number;
}

/** Capability `expiry`: keeps a memory alive. */
export interface ExpiryCapability {
  /** Renews the memory's time to live without writing. Succeeds if the memory does not exist. */
  touch(memoryId: string, options?: CallOptions): Promise<void>;
}
