import {
  type CallOptions,
  CallTracker,
  checkCall,
  checkList,
  checkPlainSave,
  closed,
  KeyedQueue,
  type LifecycleCapability,
  type ListOptions,
  type MemoryBackend,
  type Message,
  type SaveOptions,
  untilAborted,
} from "@deep-agent/core/adapter";
import type { Keyv } from "keyv";
import { CheckedKeyv } from "./checked-keyv.ts";
import { BACKEND, corrupt, keyvError, notIterable, type StoreCall } from "./keyv-error.ts";
import { type KeyvBackendOptions, type KeyvStore, settingsOf } from "./keyv-options.ts";
import { isMemoryKey, keyOf } from "./memory-key.ts";
import { decodeMemory, encodeMemory, idIn } from "./memory-value.ts";

/**
 * Memories in any store of Keyv: each is one value. There is no log, so a turn costs the whole memory, and only one process may write
 * to a memory at a time.
 *
 * ```ts
 * const backend = new KeyvBackend({ store: new KeyvSqlite("sqlite://memories.sqlite"), ttl: "30d" });
 * ```
 *
 * A failure that Keyv would swallow rejects with `UNAVAILABLE`, and a value that is not a memory's with `CORRUPT`: neither is ever
 * taken for a memory that is absent.
 */
export class KeyvBackend<T extends object = Message> implements MemoryBackend<T>, LifecycleCapability {
  readonly name: string = BACKEND;
  readonly #keyv: CheckedKeyv;
  readonly #ttl: number | undefined;
  /** Writes to one memory go out one after the other: one whose caller has left would otherwise overtake a later one. */
  readonly #writes = new KeyedQueue();
  readonly #calls = new CallTracker(() => closed("KeyvBackend", BACKEND));

  /**
   * Takes a Keyv, a store for one, or options. Whatever is given stays its owner's: `close()` leaves it open. Throws
   * `INVALID_CONFIG`.
   */
  constructor(given: Keyv | KeyvStore | KeyvBackendOptions) {
    const { keyv, ttl } = settingsOf(given);
    this.#keyv = new CheckedKeyv(keyv);
    this.#ttl = ttl;
  }

  async load(memoryId: string, options: CallOptions = {}): Promise<T[] | null> {
    this.#calls.checkOpen();
    checkCall(memoryId, options);
    const value = await this.#run({ verb: "read", memoryId }, options, () => this.#keyv.get(keyOf(memoryId)));
    return value === undefined ? null : decodeMemory<T>(value, memoryId);
  }

  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    this.#calls.checkOpen();
    const texts = checkPlainSave(memoryId, records, options);
    await this.#write({ verb: "write", memoryId }, options, () =>
      this.#keyv.set(keyOf(memoryId), encodeMemory(memoryId, texts), this.#ttl),
    );
  }

  async delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    this.#calls.checkOpen();
    checkCall(memoryId, options);
    await this.#write({ verb: "delete", memoryId }, options, () => this.#keyv.delete(keyOf(memoryId)));
  }

  /** Goes through all that the store has in the Keyv's namespace, values included. Rejects with `NOT_SUPPORTED` where it cannot. */
  async list(options: ListOptions = {}): Promise<string[]> {
    this.#calls.checkOpen();
    checkList(options);
    if (!this.#keyv.isIterable) throw notIterable();
    const { prefix = "", signal } = options;
    return this.#run({ verb: "list" }, options, () => this.#ids(prefix, signal));
  }

  /** Awaits the calls in flight. A store that never answers keeps it waiting. */
  close(): Promise<void> {
    return this.#calls.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ids(prefix: string, signal: AbortSignal | undefined): Promise<string[]> {
    // A store may come across a key twice while others are written.
    const ids = new Set<string>();
    const visitor = (key: string, value: unknown): void => {
      const memoryId = idIn(value);
      if (memoryId === undefined || keyOf(memoryId) !== key) throw corrupt({ key }, "is not a memory");
      if (memoryId.startsWith(prefix)) ids.add(memoryId);
    };
    await this.#keyv.visit(isMemoryKey, visitor, signal);
    return [...ids];
  }

  #write(call: StoreCall & { memoryId: string }, { signal }: CallOptions, task: () => Promise<void>): Promise<void> {
    return this.#track(() => this.#writes.run(call.memoryId, () => mapped(call, task), signal), signal);
  }

  #run<R>(call: StoreCall, { signal }: CallOptions, task: () => Promise<R>): Promise<R> {
    return this.#track(() => mapped(call, task), signal);
  }

  /** What is under way goes on to its end, and is awaited by `close`, also where its caller has left. */
  #track<R>(task: () => Promise<R>, signal: AbortSignal | undefined): Promise<R> {
    return untilAborted(this.#calls.run(task), signal);
  }
}

async function mapped<R>(call: StoreCall, task: () => Promise<R>): Promise<R> {
  try {
    return await task();
  } catch (error) {
    throw keyvError(error, call);
  }
}
