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
import type { RedisBackendOptions, RedisMemoryOptions } from "./options/redis-options.ts";
import { givenSettingsOf, settingsOf } from "./options/settings.ts";
import type { ExistingClient } from "./wire/clients/existing-client.ts";
import { existingSource } from "./wire/clients/existing-source.ts";
import { loaded } from "./wire/loaded.ts";
import { pooledSource } from "./wire/pooled/pooled-source.ts";
import type { CommandSource } from "./wire/redis-commands.ts";

/** Of {@link RedisBackend.reindex}. */
export interface ReindexOptions extends CallOptions {
  /** Called now and then, with how far it has come. */
  onProgress?: ((progress: ReindexProgress) => void) | undefined;
}

/** What the options come to. */
interface Setup {
  readonly settings: MemorySettings;
  readonly source: CommandSource;
}

/**
 * Memories in Redis: one list each, to which turns are appended. Any number of processes may use them at the same time.
 *
 * ```ts
 * const backend = new RedisBackend("localhost:6379").withPassword("secret").withTTL("24h");
 * ```
 *
 * Nothing is opened before the first call, nor the client loaded, and options can be set until then. Every call settles
 * by its deadline ({@link RedisMemoryOptions.timeoutMs}; the first one's counts from when the rest of this package is
 * loaded), `list` and `recent` by one for each page. It has every capability; `catalogue` only if the index is kept.
 */
export class RedisBackend<T extends object = Message>
  implements MemoryBackend<T>, LogCapability<T>, HealthCapability, LifecycleCapability, InfoCapability, ExpiryCapability
{
  readonly name: string = BACKEND;
  #options: RedisBackendOptions;
  #setup: Setup;
  /** Absent: connections of its own. */
  readonly #given: CommandSource | undefined;
  #parts: Promise<Parts<T>> | undefined;
  #isClosed = false;

  /** @internal Over commands that somebody else sends. `close()` closes them. */
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
   * A backend on a client that you have: of node-redis (`createClient`, `createClientPool`, `createCluster`,
   * `createSentinel`), connected, or of ioredis (`Redis`, `Cluster`). `close()` leaves it open, and listening to its
   * `error` events is its owner's business. Its own prefix for keys is not applied. Throws `INVALID_CONFIG`.
   */
  static fromClient<T extends object = Message>(
    client: ExistingClient,
    options: RedisMemoryOptions = {},
  ): RedisBackend<T> {
    return new RedisBackend<T>(options, existingSource(client));
  }

  /**
   * Sets {@link RedisBackendOptions.username}. As all `with…` methods, throws `INVALID_CONFIG` for a wrong value and
   * after first use.
   */
  withUsername(username: string): this {
    return this.#with({ username });
  }

  /** Sets {@link RedisBackendOptions.password}. */
  withPassword(password: string): this {
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

  load(memoryId: string, options: CallOptions = {}): Promise<T[] | null> {
    return this.#call(
      options,
      () => checkCall(memoryId, options),
      ({ reader }, own) => reader.load(memoryId, own),
    );
  }

  /**
   * The last 64 operation ids of saves are remembered. With `maxRecords`, only the newest that many records are kept,
   * and an operation id is remembered until newer turns have taken the place of what it saved.
   */
  save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    return this.#call(
      options,
      () => checkSave(memoryId, records, options),
      ({ writer }, own, texts) => writer.save(memoryId, texts, own),
    );
  }

  append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    return this.#call(
      options,
      () => checkAppend(memoryId, records, options),
      ({ writer }, own, texts) => writer.append(memoryId, texts, own),
    );
  }

  read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot<T> | null> {
    return this.#call(
      options,
      () => checkRead(memoryId, options),
      ({ reader }, own) => reader.read(memoryId, own),
    );
  }

  delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    return this.#call(
      options,
      () => checkCall(memoryId, options),
      ({ writer }, own) => writer.delete(memoryId, own),
    );
  }

  /**
   * By SCAN over all keys of the database, of all masters: O(keys), whoever they belong to. Prefixes that nest overlap.
   * Memories that are there from its beginning to its end are in it, also if slots of a cluster move meanwhile.
   */
  list(options: ListOptions = {}): Promise<string[]> {
    return this.#call(
      options,
      () => checkList(options),
      ({ listing }, own) => listing.list(own),
    );
  }

  /**
   * By the index: the most recently written first, O(limit); with `prefix`, O(memories that are newer). `undefined` if
   * no index is kept. Memories written without the index, and values of go-deep-agent, are not in it until
   * {@link reindex} or their next write.
   */
  get recent(): ((options: RecentOptions) => Promise<RecentPage>) | undefined {
    return this.#setup.settings.index ? this.#recent : undefined;
  }

  /**
   * Makes the index that `recent` reads complete: puts in what `list` finds, takes out what is gone. Others may write
   * meanwhile. Values of go-deep-agent have no time, and stay out. Throws `NOT_SUPPORTED` if no index is kept.
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

  /** `bytes` is what Redis estimates that the key takes in its memory. */
  info(memoryId: string, options: CallOptions = {}): Promise<MemoryInfo | null> {
    return this.#call(
      options,
      () => checkCall(memoryId, options),
      ({ reader }, own) => reader.info(memoryId, own),
    );
  }

  touch(memoryId: string, options: CallOptions = {}): Promise<void> {
    return this.#call(
      options,
      () => checkCall(memoryId, options),
      ({ writer }, own) => writer.touch(memoryId, own),
    );
  }

  /** Of a cluster, each master answers, and the slowest counts. */
  ping(options: CallOptions = {}): Promise<{ latencyMs: number }> {
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

  async close(): Promise<void> {
    this.#isClosed = true;
    // If they could not be loaded, there is nothing to close.
    const parts = await this.#parts?.catch(() => undefined);
    await parts?.calls.end();
    parts?.commands.close();
  }

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
   * Makes a call: checks what it is given, loads the implementation, and hands it a copy of the options, which count as
   * they are when the call is made.
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

  /** What it is made of: loaded with the first call, and not by those who only make backends. */
  #load(): Promise<Parts<T>> {
    const parts = this.#assemble();
    // Each call that waits for them is told; the next one tries again.
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
        "Configure a backend before anything is read or written.",
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
  return new MemoryError("NOT_SUPPORTED", "This RedisBackend keeps no index.", {
    backend: BACKEND,
    hint: "Set `index: true`, and a prefix that is not empty.",
  });
}
