import type { ConnectionOptions as TlsOptions } from "node:tls";
import {
  type AppendOptions,
  type CallOptions,
  checkAppend,
  checkCall,
  checkList,
  checkOptions,
  checkRead,
  checkRecent,
  checkSave,
  closed,
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
  type PingResult,
  type ReadOptions,
  type RecentOptions,
  type RecentPage,
  type Revision,
  type SaveOptions,
  type Snapshot,
  type Ttl,
} from "@deep-agent/core/adapter";
import type { Parts } from "./assemble.ts";
import { BACKEND } from "./backend-name.ts";
import type { ReindexProgress } from "./memories/recent-index.ts";
import { invalidConfig } from "./options/config-error.ts";
import type { MemorySettings } from "./options/memory-settings.ts";
import type { PasswordFunction, RedisBackendOptions, RedisMemoryOptions } from "./options/redis-options.ts";
import { givenSettingsOf, settingsOf } from "./options/settings.ts";
import type { ExistingClient } from "./wire/clients/existing-client.ts";
import { existingSource } from "./wire/clients/existing-source.ts";
import { loaded } from "./wire/loaded.ts";
import { pooledSource } from "./wire/pooled/pooled-source.ts";
import type { CommandSource } from "./wire/redis-commands.ts";

/** Options of {@link RedisBackend.reindex}. */
export interface ReindexOptions extends CallOptions {
  /** Called after each page of memories with the progress so far. Default: not called. */
  onProgress?: ((progress: ReindexProgress) => void) | undefined;
}

/** The checked options, and the source of the commands. */
interface Setup {
  readonly settings: MemorySettings;
  readonly source: CommandSource;
}

/**
 * Keeps memories in Redis: one list for each memory, to which turns are appended. Any number of processes may use the
 * same memories at the same time.
 *
 * ```ts
 * const backend = new RedisBackend("localhost:6379").withPassword("secret").withTTL("24h");
 * ```
 *
 * The first call loads the client and opens the first connection. Options can be set until then. Every call settles by
 * its deadline ({@link RedisMemoryOptions.timeoutMs}). `list`, `recent` and `reindex` have a deadline for each page.
 * The deadline of the first call starts after the rest of this package is loaded. Connections that are idle are closed
 * ({@link RedisBackendOptions.idleTimeoutMs}), and the next call opens others. The backend has every capability, but
 * `catalogue` only if the index is kept.
 */
export class RedisBackend<T extends object = Message>
  implements MemoryBackend<T>, LogCapability<T>, HealthCapability, LifecycleCapability, InfoCapability, ExpiryCapability
{
  /** `"redis"`: the name of this backend in errors and events. */
  readonly name: string = BACKEND;
  #options: RedisBackendOptions;
  #setup: Setup;
  /** `undefined`: the backend opens its own connections. */
  readonly #given: CommandSource | undefined;
  #parts: Promise<Parts<T>> | undefined;
  /** Refuses new calls at once. Calls that have begun go on to their end, even if they wait for the implementation. */
  #isClosed = false;

  /** @internal Uses the given command source, which `close()` closes. */
  constructor(options: RedisMemoryOptions, source: CommandSource);
  /** Takes `"host:port"`, a URL (`redis:`, `rediss:`) or options. Throws `INVALID_CONFIG`. */
  constructor(options?: string | RedisBackendOptions);
  constructor(options: string | RedisBackendOptions = {}, source?: CommandSource) {
    const named = typeof options === "string" ? { addr: options } : options;
    this.#setup = setupOf(named, source);
    this.#options = { ...named };
    this.#given = source;
  }

  /**
   * Makes a backend on an existing client: a connected one of node-redis (`createClient`, `createClientPool`,
   * `createCluster`, `createSentinel`), or one of ioredis (`Redis`, `Cluster`). `close()` leaves the client open. Its
   * owner has to listen to its `error` events. The client's own key prefix is not applied. Throws `INVALID_CONFIG`.
   */
  static fromClient<T extends object = Message>(
    client: ExistingClient,
    options: RedisMemoryOptions = {},
  ): RedisBackend<T> {
    return new RedisBackend<T>(options, existingSource(client));
  }

  /**
   * Sets {@link RedisBackendOptions.username}. Like all `with…` methods, throws `INVALID_CONFIG` if the value is
   * invalid or the backend was already used.
   */
  withUsername(username: string): this {
    return this.#with({ username });
  }

  /** Sets {@link RedisBackendOptions.password}: a text, or a function that is asked at each new connection. */
  withPassword(password: string | PasswordFunction): this {
    return this.#with({ password });
  }

  /** Sets {@link RedisBackendOptions.db}. */
  withDB(db: number): this {
    return this.#with({ db });
  }

  /** Sets {@link RedisBackendOptions.poolSize}. */
  withPoolSize(poolSize: number): this {
    return this.#with({ poolSize });
  }

  /** Sets {@link RedisBackendOptions.tls}. */
  withTLS(tls: boolean | TlsOptions = true): this {
    return this.#with({ tls });
  }

  /** Sets {@link RedisMemoryOptions.ttl}. */
  withTTL(ttl: Ttl): this {
    return this.#with({ ttl });
  }

  /** Sets {@link RedisMemoryOptions.prefix}. */
  withPrefix(prefix: string): this {
    return this.#with({ prefix });
  }

  /** Reads all records of a memory, the oldest first. `null`: there is no such memory. */
  load(memoryId: string, options: CallOptions = {}): Promise<T[] | null> {
    return this.#call(
      options,
      () => checkCall(memoryId, options),
      ({ reader }, own) => reader.load(memoryId, own),
    );
  }

  /**
   * Replaces all records of a memory. The last 64 operation ids of saves are remembered, and with `keepOperations`
   * those of the newest 64 appends. Their ids are read first, in steps, so that long entries do not hold up the server.
   * With `maxRecords`, only the newest `maxRecords` records are kept. If `expectedRevision` is not the current
   * revision, it rejects with `CONFLICT`.
   */
  save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    return this.#call(
      options,
      () => checkSave(memoryId, records, options),
      ({ writer }, own, texts) => writer.save(memoryId, texts, own),
    );
  }

  /**
   * Adds records at the end of a memory, once for each operation id, and creates the memory if needed. Resolves to the
   * revision after these records. If `expectedRevision` is not the current revision, it rejects with `CONFLICT`.
   */
  append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    return this.#call(
      options,
      () => checkAppend(memoryId, records, options),
      ({ writer }, own, texts) => writer.append(memoryId, texts, own),
    );
  }

  /** Reads records with the revision that they belong to. `null`: there is no such memory. */
  read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot<T> | null> {
    return this.#call(
      options,
      () => checkRead(memoryId, options),
      ({ reader }, own) => reader.read(memoryId, own),
    );
  }

  /** Deletes a memory. Resolves as well if there is no such memory. */
  delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    return this.#call(
      options,
      () => checkCall(memoryId, options),
      ({ writer }, own) => writer.delete(memoryId, own),
    );
  }

  /**
   * Lists memory ids by SCAN over all keys of the database on all masters: O(keys), including keys of other programs. A
   * backend whose prefix begins another backend's prefix lists that backend's memories, too. The list has every memory
   * that exists from its beginning to its end, even if slots of a cluster move meanwhile. It has no keys of types that
   * no memory has. A list or string of another program under the prefix is in it.
   */
  list(options: ListOptions = {}): Promise<string[]> {
    return this.#call(
      options,
      () => checkList(options),
      ({ listing }, own) => listing.list(own),
    );
  }

  /**
   * Lists memories by the index, the most recently written first: O(limit), or with `prefix` O(newer memories).
   * `undefined` if no index is kept. A memory that was written without the index is missing until {@link reindex} or
   * its next write. A value of go-deep-agent is missing until its first write.
   */
  get recent(): ((options: RecentOptions) => Promise<RecentPage>) | undefined {
    return this.#setup.settings.index ? this.#recent : undefined;
  }

  /**
   * Completes the index that `recent` reads: adds the memories that `list` finds, and removes those that no longer
   * exist. Other processes may write meanwhile. Values of go-deep-agent are not added, because they have no time.
   * Rejects with `NOT_SUPPORTED` if no index is kept.
   */
  reindex(options: ReindexOptions = {}): Promise<ReindexProgress> {
    return this.#call(
      options,
      () => {
        checkOptions({ signal: options.signal });
        if (!this.#setup.settings.index) throw noIndex();
      },
      ({ index, listing }, { onProgress, signal }) => index.rebuild(listing, onProgress, signal),
    );
  }

  /**
   * Tells the size and times of a memory. `bytes` is Redis's estimate of the memory that the key takes. `null`: there
   * is no such memory.
   */
  info(memoryId: string, options: CallOptions = {}): Promise<MemoryInfo | null> {
    return this.#call(
      options,
      () => checkCall(memoryId, options),
      ({ reader }, own) => reader.info(memoryId, own),
    );
  }

  /** Starts the memory's time to live again. Resolves as well if there is no such memory. */
  touch(memoryId: string, options: CallOptions = {}): Promise<void> {
    return this.#call(
      options,
      () => checkCall(memoryId, options),
      ({ writer }, own) => writer.touch(memoryId, own),
    );
  }

  /**
   * Asks the server for a reply. `latencyMs` is the time until it came. On a cluster every master is asked, and the
   * slowest counts.
   */
  ping(options: CallOptions = {}): Promise<PingResult> {
    return this.#call(
      options,
      () => checkOptions(options),
      async ({ calls, scripts }, { signal }) => {
        const started = performance.now();
        const call = { verb: "ping", memoryId: undefined, writes: false, signal };
        await calls.run(call, (deadline) => scripts.everywhere(["PING"], deadline));
        return { latencyMs: performance.now() - started };
      },
    );
  }

  /**
   * Waits for the calls that have begun, then closes the backend's own connections. A client passed to `fromClient`
   * stays open. Later calls reject with `CLOSED`.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    // If the parts could not be loaded, there is nothing to close.
    const parts = await this.#parts?.catch(() => undefined);
    await parts?.calls.end();
    parts?.commands.close();
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #recent = (options: RecentOptions): Promise<RecentPage> =>
    this.#call(
      options,
      () => checkRecent(options),
      ({ index }, own) => index.recent(own),
    );

  /**
   * Makes a call: checks its arguments, loads the implementation, and passes it a copy of the options. The copy is made
   * before anything is awaited: later changes by the caller do not count.
   */
  async #call<O extends object, C, R>(
    options: O,
    check: () => C,
    make: (parts: Parts<T>, own: O, checked: C) => Promise<R>,
  ): Promise<R> {
    if (this.#isClosed) throw closed("RedisBackend", BACKEND);
    const checked = check();
    const own = { ...options };
    this.#parts ??= this.#load();
    return make(await this.#parts, own, checked);
  }

  /** Loads the parts with the first call, so that a program that only makes a backend does not load them. */
  #load(): Promise<Parts<T>> {
    const parts = this.#assemble();
    // Every call that waits for the parts rejects. The next call loads them again.
    parts.catch(() => {
      this.#parts = undefined;
    });
    return parts;
  }

  async #assemble(): Promise<Parts<T>> {
    const { source, settings } = this.#setup;
    const { assemble } = await loaded(import("./assemble.ts"));
    return assemble<T>(source, settings);
  }

  #with(option: RedisBackendOptions): this {
    if (this.#parts !== undefined || this.#isClosed) {
      throw invalidConfig(
        `The option \`${Object.keys(option).join()}\` was set after the backend was first used.`,
        "Set options before the first call.",
      );
    }
    const options = { ...this.#options, ...option };
    this.#setup = setupOf(options, this.#given);
    this.#options = options;
    return this;
  }
}

function setupOf(options: RedisBackendOptions, given: CommandSource | undefined): Setup {
  if (given !== undefined) return { settings: givenSettingsOf(options, given), source: given };
  const { memories, topology } = settingsOf(options);
  return { settings: memories, source: pooledSource(topology, memories.timeoutMs) };
}

function noIndex(): MemoryError {
  return new MemoryError("NOT_SUPPORTED", "This RedisBackend keeps no index to rebuild.", {
    backend: BACKEND,
    hint: "Set `index: true` and a non-empty prefix.",
  });
}
