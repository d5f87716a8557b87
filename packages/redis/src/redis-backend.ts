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
  type ExpiryCapability,
  type HealthCapability,
  type InfoCapability,
  type LifecycleCapability,
  type ListOptions,
  type LogCapability,
  type MemoryBackend,
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
import type { ReindexProgress } from "./memories/recent-index.ts";
import { closed, invalidConfig, loaded, noIndex } from "./options/config-error.ts";
import {
  checkConnection,
  checkOptionNames,
  checkReads,
  type Durability,
  foreignConnection,
  isMemoryOption,
  type MemoryOptions,
  type MemorySettings,
  memorySettings,
  type OptionName,
  type RedisBackendOptions,
  type SentinelOptions,
  topologyOf,
} from "./options/redis-options.ts";
import { type ForeignClient, sourceOf } from "./wire/clients/existing-client.ts";
import type { CommandSource, RedisCommands } from "./wire/redis-commands.ts";

/** Of {@link RedisBackend.reindex}. */
export interface ReindexOptions extends CallOptions {
  /** Called now and then, with how far it has come. */
  onProgress?: ((progress: ReindexProgress) => void) | undefined;
}

/**
 * Memories in Redis: one list each, to which turns are appended. Any number of processes may use them at the same time.
 *
 * ```ts
 * const backend = new RedisBackend("localhost:6379").withPassword("secret").withTTL("24h");
 * ```
 *
 * Nothing is opened before the first call, nor the client loaded, and options can be set until then. Every call settles by its deadline
 * ({@link MemoryOptions.timeoutMs}; the first one's counts from when the rest of this package is loaded), `list` and `recent` by one for each page. It has every capability; `catalogue` only where the index is kept.
 */
export class RedisBackend<T extends object = Message>
  implements MemoryBackend<T>, LogCapability<T>, HealthCapability, LifecycleCapability, InfoCapability, ExpiryCapability
{
  readonly name: string = "redis";
  #options: RedisBackendOptions;
  /** Absent: connections of its own. */
  #given: CommandSource | undefined;
  #parts: Promise<Parts<T>> | undefined;
  #closing: Promise<void> | undefined;

  /** Takes `"host:port"`, a URL (`redis:`, `rediss:`) or options. Throws `INVALID_CONFIG`. */
  constructor(options: string | RedisBackendOptions = {}) {
    const given = typeof options === "string" ? { addr: options } : options;
    checkOptionNames(given, true);
    this.#options = this.#checked(given);
    this.#checkReads();
  }

  /**
   * A backend on a client that you have: of node-redis (`createClient`, `createClientPool`, `createCluster`, `createSentinel`), connected, or of
   * ioredis (`Redis`, `Cluster`). `close()` leaves it open, and listening to its `error` events is its owner's business. Its own prefix for
   * keys is not applied. Throws `INVALID_CONFIG`.
   */
  static fromClient<T extends object = Message>(client: ForeignClient, options: MemoryOptions = {}): RedisBackend<T> {
    return RedisBackend.#over<T>(sourceOf(client), options);
  }

  /** A backend on another client, through an implementation of the command port. `close()` closes it. Throws `INVALID_CONFIG`. */
  static fromCommands<T extends object = Message>(
    commands: RedisCommands,
    options: MemoryOptions = {},
  ): RedisBackend<T> {
    const { failsOver = false } = commands;
    return RedisBackend.#over<T>(
      { isCluster: commands.masters !== undefined, failsOver, open: async () => commands },
      options,
    );
  }

  static #over<T extends object>(source: CommandSource, options: MemoryOptions): RedisBackend<T> {
    checkOptionNames(options, false);
    const backend = new RedisBackend<T>();
    backend.#given = source;
    backend.#options = backend.#checked(options);
    backend.#checkReads();
    return backend;
  }

  /** Sets {@link RedisBackendOptions.username}. As all `with…` methods, throws `INVALID_CONFIG` for a wrong value and after first use. */
  withUsername(username: string): this {
    return this.#with("username", username);
  }

  /** Sets {@link RedisBackendOptions.password}. */
  withPassword(password: string): this {
    return this.#with("password", password);
  }

  /** Sets {@link RedisBackendOptions.db}. */
  withDB(db: number): this {
    return this.#with("db", db);
  }

  /** Sets {@link RedisBackendOptions.poolSize}. */
  withPoolSize(poolSize: number): this {
    return this.#with("poolSize", poolSize);
  }

  /** Sets {@link RedisBackendOptions.tls}. */
  withTLS(tls: boolean | TlsOptions = true): this {
    return this.#with("tls", tls);
  }

  /** Sets {@link RedisBackendOptions.cluster}. */
  withCluster(nodes: readonly string[]): this {
    return this.#with("cluster", nodes);
  }

  /** Sets {@link RedisBackendOptions.sentinel}. */
  withSentinel(sentinel: SentinelOptions): this {
    return this.#with("sentinel", sentinel);
  }

  /** Sets {@link RedisBackendOptions.addressMap}. */
  withAddressMap(addressMap: Readonly<Record<string, string>>): this {
    return this.#with("addressMap", addressMap);
  }

  /** Sets {@link MemoryOptions.ttl}. */
  withTTL(ttl: Ttl): this {
    return this.#with("ttl", ttl);
  }

  /** Sets {@link MemoryOptions.prefix}. */
  withPrefix(prefix: string): this {
    return this.#with("prefix", prefix);
  }

  /** Sets {@link MemoryOptions.timeoutMs}. */
  withTimeout(timeoutMs: number): this {
    return this.#with("timeoutMs", timeoutMs);
  }

  /** Sets {@link MemoryOptions.index}. */
  withIndex(index: boolean): this {
    return this.#with("index", index);
  }

  /** Sets {@link MemoryOptions.maxRecords}. */
  withMaxRecords(maxRecords: number | null): this {
    return this.#with("maxRecords", maxRecords);
  }

  /** Sets {@link MemoryOptions.durability}. */
  withDurability(durability: Durability): this {
    return this.#with("durability", durability);
  }

  /** Sets {@link MemoryOptions.reads}. */
  withReads(reads: "master" | "replica"): this {
    return this.#with("reads", reads);
  }

  async load(memoryId: string, options: CallOptions = {}): Promise<T[] | null> {
    const parts = this.#use();
    checkCall(memoryId, options);
    const own = { ...options };
    return (await parts).log.load(memoryId, own);
  }

  /**
   * The last 64 operation ids of saves are remembered. With `maxRecords`, only the newest that many records are kept, and an operation
   * id is remembered until newer turns have taken the place of what it saved.
   */
  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    const parts = this.#use();
    const texts = checkSave(memoryId, records, options);
    const own = { ...options };
    await (await parts).log.save(memoryId, texts, own);
  }

  async append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    const parts = this.#use();
    const texts = checkAppend(memoryId, records, options);
    const own = { ...options };
    return (await parts).log.append(memoryId, texts, own);
  }

  async read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot<T> | null> {
    const parts = this.#use();
    checkRead(memoryId, options);
    const own = { ...options };
    return (await parts).log.read(memoryId, own);
  }

  async delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    const parts = this.#use();
    checkCall(memoryId, options);
    const own = { ...options };
    await (await parts).log.delete(memoryId, own);
  }

  /**
   * By SCAN over all keys of the database, of all masters: O(keys), whoever they belong to. Prefixes that nest overlap. Memories that are there from
   * its beginning to its end are in it, also where slots of a cluster move meanwhile.
   */
  async list(options: ListOptions = {}): Promise<string[]> {
    const parts = this.#use();
    checkList(options);
    const own = { ...options };
    return (await parts).listing.list(own);
  }

  /**
   * By the index: the most recently written first, O(limit); with `prefix`, O(memories that are newer). `undefined` where no index is
   * kept. Memories written without the index, and values of go-deep-agent, are not in it until {@link reindex} or their next write.
   */
  get recent(): ((options: RecentOptions) => Promise<RecentPage>) | undefined {
    return this.#memorySettings(this.#options).index ? (options) => this.#recent(options) : undefined;
  }

  /**
   * Makes the index behind `recent` complete: puts in what `list` finds, takes out what is gone. Others may write meanwhile. Values of
   * go-deep-agent have no time, and stay out. Throws `NOT_SUPPORTED` where no index is kept.
   */
  async reindex({ onProgress, signal }: ReindexOptions = {}): Promise<ReindexProgress> {
    const parts = this.#use();
    checkOptions({ signal });
    if (this.recent === undefined) throw noIndex();
    const { index, listing } = await parts;
    return index.rebuild(listing, onProgress, signal);
  }

  /** `bytes` is what Redis estimates that the key takes in its memory. */
  async info(memoryId: string, options: CallOptions = {}): Promise<MemoryInfo | null> {
    const parts = this.#use();
    checkCall(memoryId, options);
    const own = { ...options };
    return (await parts).log.info(memoryId, own);
  }

  async touch(memoryId: string, options: CallOptions = {}): Promise<void> {
    const parts = this.#use();
    checkCall(memoryId, options);
    const own = { ...options };
    await (await parts).log.touch(memoryId, own);
  }

  /** Of a cluster, each master answers, and the slowest counts. */
  async ping(options: CallOptions = {}): Promise<{ latencyMs: number }> {
    const parts = this.#use();
    checkOptions(options);
    const { operations, scripts } = await parts;
    const started = performance.now();
    const call = { verb: "ping", memoryId: undefined, writes: false, signal: options.signal };
    await operations.run(call, (until) => scripts.everywhere(["PING"], until));
    return { latencyMs: performance.now() - started };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // Where they could not be loaded, there is nothing to close.
    const parts = await this.#parts?.catch(() => undefined);
    await parts?.operations.end();
    parts?.commands.close();
  }

  async #recent(options: RecentOptions): Promise<RecentPage> {
    const parts = this.#use();
    checkRecent(options);
    const own = { ...options };
    return (await parts).index.recent(own);
  }

  /** What is behind all calls. Who waits for it keeps a copy of the call's options: they count as they are when it is made. */
  #use(): Promise<Parts<T>> {
    if (this.#closing !== undefined) throw closed();
    this.#parts ??= this.#assemble();
    return this.#parts;
  }

  /** What it is made of, and what that takes: loaded with the first call, and not by who only makes backends. */
  #assemble(): Promise<Parts<T>> {
    this.#checkReads();
    const options = this.#options;
    const settings = this.#memorySettings(options);
    const topology = this.#given === undefined ? topologyOf(options) : undefined;
    const source = this.#given ?? {
      isCluster: settings.isCluster,
      failsOver: topology?.kind !== "server",
      open: async () =>
        (await loaded(import("./wire/pooled/pooled-commands.ts"))).ownCommands(options, settings.timeoutMs),
    };
    const load = async (): Promise<Parts<T>> => {
      const { assemble } = await loaded(import("./assemble.ts"));
      return assemble<T>(source, topology, settings);
    };
    const parts = load();
    // Each call that waits for them is told; the next one tries again.
    parts.catch(() => {
      this.#parts = undefined;
    });
    return parts;
  }

  #with<N extends OptionName>(name: N, value: RedisBackendOptions[N]): this {
    if (this.#parts !== undefined || this.#closing !== undefined) {
      throw invalidConfig(
        `The option \`${name}\` was set after the backend was first used.`,
        "Configure a backend before anything is read or written.",
      );
    }
    if (this.#given !== undefined && !isMemoryOption(name)) throw foreignConnection(name);
    this.#options = this.#checked({ ...this.#options, [name]: value });
    return this;
  }

  /** Where the servers are may be set behind how they are read from. */
  #checkReads(): void {
    const onServers = this.#given === undefined && topologyOf(this.#options).kind !== "server";
    checkReads(this.#options, onServers || this.#given?.failsOver === true);
  }

  /** A copy of the options, all of which make sense. */
  #checked(options: RedisBackendOptions): RedisBackendOptions {
    this.#memorySettings(options);
    if (this.#given === undefined) checkConnection(options);
    return { ...options };
  }

  #memorySettings(options: RedisBackendOptions): MemorySettings {
    return memorySettings(options, this.#given?.isCluster);
  }
}
