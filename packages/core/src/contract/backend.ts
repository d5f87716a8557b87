import type { Message } from "./message.ts";

declare global {
  /** For programs whose compiler has neither `@types/node` nor the DOM; the members come from those. */
  interface AbortSignal {}
}

/**
 * Where conversations are kept: the one interface between the agent and a store.
 *
 * A *memory* is an append-only log of JSON records under one id. These four methods are all that an adapter must have;
 * what more it can do it declares by having the methods of a capability ({@link Capabilities}). What is absent is
 * undefined, never a method that throws.
 *
 * Every method rejects with a {@link MemoryError}, or with the signal's reason when it was aborted; a write already sent
 * is not undone by an abort. Records are opaque JSON objects: what went in comes out equal, and nothing is aliased to the
 * caller's objects. What JSON does not carry is refused with `INVALID_RECORD` before anything is written.
 */
export interface MemoryBackend<T extends object = Message> {
  /** What errors and events call the store: `"redis"`, `"file"`. Layers pass it on. Absent: they call it `"backend"`. */
  readonly name?: string | undefined;
  /** All records, oldest first; `null`: there is no such memory; `[]`: it exists and is empty. */
  load(memoryId: string, options?: CallOptions): Promise<T[] | null>;
  /** Replaces the whole log, atomically: readers see the old one or the new one. */
  save(memoryId: string, records: readonly T[], options?: SaveOptions): Promise<void>;
  /** Removes the memory and everything kept beside it. Removing what is absent is fine. */
  delete(memoryId: string, options?: CallOptions): Promise<void>;
  /** The ids of all memories whose id starts with `prefix`, taken literally; each once, in any order. */
  list(options?: ListOptions): Promise<string[]>;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface ListOptions extends CallOptions {
  prefix?: string | undefined;
}

export interface SaveOptions extends CallOptions {
  /**
   * Write only if the log is still at this revision; `null`: only if there is no such memory. A mismatch throws `CONFLICT`,
   * nothing written. A backend without `log` throws `NOT_SUPPORTED` where this is given.
   */
  expectedRevision?: Revision | null | undefined;
  /** The same id again changes nothing. A backend without `log` throws `NOT_SUPPORTED` where this is given. */
  operationId?: string | undefined;
}

/** Where a log stood: an opaque string that changes with every write. Only a `read` advances what a reader knows. */
export type Revision = string;

/** Appends turns and reads windows at a cost that does not grow with the log. */
export interface LogCapability<T extends object = Message> {
  /**
   * Adds one entry: all `records` or none, after all earlier entries, creating the memory where there is none.
   * The same `operationId` again changes nothing and answers as the first time.
   */
  append(memoryId: string, records: readonly T[], options?: AppendOptions): Promise<Revision>;
  /** What the options ask for, always in whole entries; `null`: there is no such memory. */
  read(memoryId: string, options?: ReadOptions): Promise<Snapshot<T> | null>;
}

export interface AppendOptions extends SaveOptions {
  /**
   * What the caller knew before its *first* attempt at this operation (`null`: no such memory), kept the same in every
   * retry. It bounds the search for a duplicate: one can lie only behind it. Where the log is no longer the one that `since`
   * speaks of, all of it is searched, and if the operation is not found, the append throws `CONFLICT`, nothing written.
   * Not given: the last 64 entries are searched.
   */
  since?: Revision | null | undefined;
}

export interface ReadOptions extends CallOptions {
  /** The newest whole entries that hold at least this many records together (fewer if there are fewer). */
  last?: number | undefined;
  /** Only what came after this revision. With `last`, no more than the newest that many. */
  since?: Revision | undefined;
  /** Only what stands before this place, a {@link Snapshot.start}: the next older page. */
  before?: Revision | undefined;
}

/** A part of a log, as it stood at one moment. */
export interface Snapshot<T extends object = Message> {
  records: T[];
  /** The revision of the whole log at that moment. */
  revision: Revision;
  /** Where `records` begin, to be given as `before`; `null`: at the beginning of the log. */
  start: Revision | null;
  /**
   * `records` do not continue what the reader knew: the log is another one than `since` (or `before`) speaks of, or `last`
   * cut what came after. What was read before is to be dropped.
   */
  reset: boolean;
  /** The log is the one that `since` speaks of, and yet lacks what it had then: the store lost acknowledged writes. */
  regressed: boolean;
}

export interface HealthCapability {
  /** Resolves when the store answers; `latencyMs` is how long that took. */
  ping(options?: CallOptions): Promise<{ latencyMs: number }>;
}

export interface LifecycleCapability extends AsyncDisposable {
  /** Awaits the calls in flight, up to their deadline, and lets go of everything. Again: fine. Later calls throw `CLOSED`. */
  close(): Promise<void>;
}

export interface InfoCapability {
  /** Facts about a memory without reading it; `null`: there is no such memory. */
  info(memoryId: string, options?: CallOptions): Promise<MemoryInfo | null>;
}

export interface MemoryInfo {
  records: number;
  /** What the log takes in the store, as the adapter documents it. */
  bytes: number;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Milliseconds since 1970. */
  updatedAt: number;
  /** Milliseconds since 1970; `null`: never. */
  expiresAt: number | null;
}

export interface CatalogueCapability {
  /** A page of memories, the most recently written first. */
  recent(options: RecentOptions): Promise<RecentPage>;
}

export interface RecentOptions extends ListOptions {
  /** How many memories a page holds at most: a positive integer. */
  limit: number;
  /** The `cursor` of the page before. */
  cursor?: string | undefined;
}

export interface RecentPage {
  memories: RecentMemory[];
  /** To be given for the next page; `null`: this is the last one. */
  cursor: string | null;
}

export interface RecentMemory {
  memoryId: string;
  /** Milliseconds since 1970. */
  updatedAt: number;
}

export interface ExpiryCapability {
  /** Renews the memory's time to live without writing. Absent memories are fine. */
  touch(memoryId: string, options?: CallOptions): Promise<void>;
}
