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
} from "@deep-agent/core";
import { Catalogue } from "./catalogue.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { ForeignClient, type NodeRedisClient, type NodeRedisPool } from "./node-redis-client.ts";
import { Operations } from "./operations.ts";
import type { RedisCommands } from "./redis-commands.ts";
import { closed, invalidConfig } from "./redis-error.ts";
import { RedisLog } from "./redis-log.ts";
import {
  checkOptionNames,
  connectionSettings,
  foreignConnection,
  isMemoryOption,
  type MemoryOptions,
  memorySettings,
  type OptionName,
  type RedisBackendOptions,
} from "./redis-options.ts";
import { ScriptRunner } from "./script-runner.ts";
import { ServerClock } from "./server-clock.ts";

/** What a backend is made of when it is first used. */
interface Parts<T extends object> {
  commands: RedisCommands;
  operations: Operations;
  scripts: ScriptRunner;
  log: RedisLog<T>;
  catalogue: Catalogue;
}

/**
 * Memories in Redis: one list each, to which turns are appended. Any number of processes may use them at the same time.
 *
 * ```ts
 * const backend = new RedisBackend("localhost:6379").withPassword("secret").withTTL("24h");
 * ```
 *
 * Nothing is opened before the first call, and options can be set until then. Every call settles by its deadline
 * ({@link MemoryOptions.timeoutMs}), `list` and `recent` by one for each page. It has every capability; `catalogue` only where the index is kept.
 */
export class RedisBackend<T extends object = Message>
  implements MemoryBackend<T>, LogCapability<T>, HealthCapability, LifecycleCapability, InfoCapability, ExpiryCapability
{
  #options: RedisBackendOptions;
  #given: RedisCommands | undefined;
  #parts: Parts<T> | undefined;
  #closing: Promise<void> | undefined;

  /** Takes `"host:port"`, a URL (`redis:`, `rediss:`) or options. Throws `INVALID_CONFIG`. */
  constructor(options: string | RedisBackendOptions = {}) {
    const given = typeof options === "string" ? { addr: options } : options;
    checkOptionNames(given, true);
    this.#options = checked(given, true);
  }

  /**
   * A backend on a client of node-redis that is connected already: of `createClient` or `createClientPool`. `close()` leaves it open.
   * Listening to its `error` events is its owner's business. Throws `INVALID_CONFIG`.
   */
  static fromClient<T extends object = Message>(
    client: NodeRedisClient | NodeRedisPool,
    options: MemoryOptions = {},
  ): RedisBackend<T> {
    return RedisBackend.fromCommands<T>(new ForeignClient(client), options);
  }

  /** A backend on another client, through an implementation of the command port. `close()` closes it. Throws `INVALID_CONFIG`. */
  static fromCommands<T extends object = Message>(
    commands: RedisCommands,
    options: MemoryOptions = {},
  ): RedisBackend<T> {
    checkOptionNames(options, false);
    const backend = new RedisBackend<T>(options);
    backend.#given = commands;
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

  async load(memoryId: string, options: CallOptions = {}): Promise<T[] | null> {
    const { log } = this.#use();
    checkCall(memoryId, options);
    return log.load(memoryId, options);
  }

  /**
   * The last 64 operation ids of saves are remembered. With `maxRecords`, only the newest that many records are kept, and an operation
   * id is remembered until newer turns have taken the place of what it saved.
   */
  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    const { log } = this.#use();
    const texts = checkSave(memoryId, records, options);
    await log.save(memoryId, texts, options);
  }

  async append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    const { log } = this.#use();
    const texts = checkAppend(memoryId, records, options);
    return log.append(memoryId, texts, options);
  }

  async read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot<T> | null> {
    const { log } = this.#use();
    checkRead(memoryId, options);
    return log.read(memoryId, options);
  }

  async delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    const { log } = this.#use();
    checkCall(memoryId, options);
    await log.delete(memoryId, options);
  }

  /** By SCAN over all keys of the database: O(keys), whoever they belong to. Prefixes that nest overlap. */
  async list(options: ListOptions = {}): Promise<string[]> {
    const { catalogue } = this.#use();
    checkList(options);
    return catalogue.list(options);
  }

  /**
   * By the index: the most recently written first, O(limit); with `prefix`, O(memories that are newer). `undefined` where no index is
   * kept. Memories written without the index, and values of go-deep-agent, are not in it.
   */
  get recent(): ((options: RecentOptions) => Promise<RecentPage>) | undefined {
    return memorySettings(this.#options).index ? (options) => this.#recent(options) : undefined;
  }

  /** `bytes` is what Redis estimates that the key takes in its memory. */
  async info(memoryId: string, options: CallOptions = {}): Promise<MemoryInfo | null> {
    const { log } = this.#use();
    checkCall(memoryId, options);
    return log.info(memoryId, options);
  }

  async touch(memoryId: string, options: CallOptions = {}): Promise<void> {
    const { log } = this.#use();
    checkCall(memoryId, options);
    await log.touch(memoryId, options);
  }

  async ping(options: CallOptions = {}): Promise<{ latencyMs: number }> {
    const { operations, scripts } = this.#use();
    checkOptions(options);
    const started = performance.now();
    const call = { verb: "ping", memoryId: undefined, writes: false, signal: options.signal };
    await operations.run(call, (until) => scripts.command(["PING"], until));
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
    if (this.#parts === undefined) return;
    await this.#parts.operations.end();
    this.#parts.commands.close();
  }

  async #recent(options: RecentOptions): Promise<RecentPage> {
    const { catalogue } = this.#use();
    checkRecent(options);
    return catalogue.recent(options);
  }

  #use(): Parts<T> {
    if (this.#closing !== undefined) throw closed();
    this.#parts ??= this.#assemble();
    return this.#parts;
  }

  #assemble(): Parts<T> {
    const settings = memorySettings(this.#options);
    let server = "the Redis server";
    let commands = this.#given;
    if (commands === undefined) {
      const connection = connectionSettings(this.#options);
      server = connection.host.includes(":")
        ? `[${connection.host}]:${connection.port}`
        : `${connection.host}:${connection.port}`;
      commands = new ConnectionPool(connection, settings.timeoutMs);
    }
    const operations = new Operations(server, settings.timeoutMs);
    const scripts = new ScriptRunner(commands, new ServerClock());
    return {
      commands,
      operations,
      scripts,
      log: new RedisLog<T>(scripts, operations, settings),
      catalogue: new Catalogue(scripts, operations, settings),
    };
  }

  #with<N extends OptionName>(name: N, value: RedisBackendOptions[N]): this {
    if (this.#parts !== undefined || this.#closing !== undefined) {
      throw invalidConfig(
        `The option \`${name}\` was set after the backend was first used.`,
        "Configure a backend before anything is read or written.",
      );
    }
    const ownConnection = this.#given === undefined;
    if (!ownConnection && !isMemoryOption(name)) throw foreignConnection(name);
    this.#options = checked({ ...this.#options, [name]: value }, ownConnection);
    return this;
  }
}

/** A copy of the options, all of which make sense. */
function checked(options: RedisBackendOptions, ownConnection: boolean): RedisBackendOptions {
  memorySettings(options);
  if (ownConnection) connectionSettings(options);
  return { ...options };
}
