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
 * Keeps memories in any store of Keyv. Each memory is one value. There is no log, so a turn costs as much as the whole
 * memory, and only one process may write to a memory at a time.
 *
 * ```ts
 * const backend = new KeyvBackend({ store: new KeyvSqlite("sqlite://memories.sqlite"), ttl: "30d" });
 * ```
 *
 * A failure that Keyv would swallow rejects with `UNAVAILABLE`. A value that is not a memory rejects with `CORRUPT`.
 * Neither is ever taken for an absent memory.
 */
export class KeyvBackend<T extends object = Message> implements MemoryBackend<T>, LifecycleCapability {
  /** `"keyv"`: what errors and events call this backend. */
  readonly name: string = BACKEND;
  readonly #keyv: CheckedKeyv;
  readonly #ttl: number | undefined;
  /**
   * Writes to one memory run one after the other. Otherwise a write whose caller aborted it could still overwrite a
   * later one.
   */
  readonly #writes = new KeyedQueue();
  readonly #calls = new CallTracker(() => closed("KeyvBackend", BACKEND));

  /**
   * Takes a Keyv, a store for a Keyv, or options. The Keyv or store belongs to the caller: `close()` leaves it open.
   * Throws `INVALID_CONFIG`.
   */
  constructor(given: Keyv | KeyvStore | KeyvBackendOptions) {
    const { keyv, ttl } = settingsOf(given);
    this.#keyv = new CheckedKeyv(keyv);
    this.#ttl = ttl;
  }

  /** All records, oldest first; `null`: there is no such memory. Throws `CORRUPT` if the value is not this memory. */
  async load(memoryId: string, options: CallOptions = {}): Promise<T[] | null> {
    this.#calls.checkOpen();
    checkCall(memoryId, options);
    const value = await this.#run({ verb: "read", memoryId }, options, () => this.#keyv.get(keyOf(memoryId)));
    return value === undefined ? null : decodeMemory<T>(value, memoryId);
  }

  /**
   * Replaces the whole memory, and renews its TTL. Throws `NOT_SUPPORTED` for `expectedRevision` and `operationId`,
   * which need a log.
   */
  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    this.#calls.checkOpen();
    const texts = checkPlainSave(memoryId, records, options);
    await this.#write({ verb: "write", memoryId }, options, () =>
      this.#keyv.set(keyOf(memoryId), encodeMemory(memoryId, texts), this.#ttl),
    );
  }

  /** Removes the memory. An absent memory is not an error. */
  async delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    this.#calls.checkOpen();
    checkCall(memoryId, options);
    await this.#write({ verb: "delete", memoryId }, options, () => this.#keyv.delete(keyOf(memoryId)));
  }

  /**
   * The ids that start with `prefix`, in any order; default: all ids. Reads every key and value that the store has in
   * the namespace of the Keyv. Rejects with `NOT_SUPPORTED` if the store cannot iterate over its keys.
   */
  async list(options: ListOptions = {}): Promise<string[]> {
    this.#calls.checkOpen();
    checkList(options);
    if (!this.#keyv.isIterable) throw notIterable();
    const { prefix = "", signal } = options;
    return this.#run({ verb: "list" }, options, () => this.#ids(prefix, signal));
  }

  /**
   * Waits for the calls in flight; if a store never answers, it never resolves. The store or Keyv stays open. Later
   * calls throw `CLOSED`; closing again is fine.
   */
  close(): Promise<void> {
    return this.#calls.end();
  }

  /** Calls {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ids(prefix: string, signal: AbortSignal | undefined): Promise<string[]> {
    // The iterator of a store may give a key twice while others write.
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

  /** If its caller aborts a task, the task still runs to its end, and `close` waits for it. */
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
