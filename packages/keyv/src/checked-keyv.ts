import { type Keyv, KeyvBridgeAdapter, KeyvMemoryAdapter } from "keyv";
import { ErrorWatch, type Reports } from "./error-watch.ts";
import { NamespaceChanged, StoreFailure, Unreadable } from "./keyv-error.ts";

/**
 * A Keyv whose failures are thrown. Keyv itself, and many of its stores, answer a failed call with `undefined`, `false`
 * or an early end, as if nothing were stored. They report the failure only as an `error` event.
 *
 * Such an answer is ambiguous. It is believed only if no error at all was reported during the call.
 */
export class CheckedKeyv {
  readonly #keyv: Keyv;
  readonly #watch: ErrorWatch;
  readonly #namespace: string | undefined;

  constructor(keyv: Keyv) {
    this.#keyv = keyv;
    this.#watch = ErrorWatch.of(keyv);
    this.#namespace = keyv.store.namespace;
  }

  /**
   * The value; `undefined`: the key is absent. Throws {@link Unreadable} if Keyv cannot make a value of what is stored.
   */
  async get(key: string): Promise<unknown> {
    let failure: { error: unknown } | undefined;
    try {
      const value: unknown = await this.#call(() => this.#keyv.get(key));
      if (value !== undefined) return value;
    } catch (error) {
      failure = { error };
    }
    // The key may be absent, expired or unreadable, or the call failed. Only the store itself can tell which.
    const found = await this.#call((reports) => this.#look(key, reports));
    if (failure !== undefined) throw failure.error;
    return found;
  }

  /** `ttl` in milliseconds; 0: for ever; `undefined`: the TTL of the Keyv. */
  async set(key: string, value: string, ttl: number | undefined): Promise<void> {
    await this.#call(async (reports) => {
      const done: unknown = await this.#keyv.set(key, value, ttl);
      // If a store swallows its errors, Keyv answers that the write was made.
      checkUnreported(reports.own);
      if (done === false) throw new StoreFailure(reports.any?.error ?? new Error("The store refused the write."));
    });
  }

  async delete(key: string): Promise<void> {
    await this.#call(async (reports) => {
      const done: unknown = await this.#keyv.delete(key);
      checkUnreported(done === true ? reports.own : reports.any);
    });
  }

  /**
   * Whether {@link visit} can go through all keys. Keyv's own adapters always have an `iterator`, which ends at once if
   * the store below them cannot iterate.
   */
  get isIterable(): boolean {
    const { store } = this.#keyv;
    if (typeof store.iterator !== "function") return false;
    if (!("getKeyPrefixData" in store)) return true;
    const below: unknown = Reflect.get(store, "store");
    const can = (method: string): boolean => typeof Reflect.get(Object(below), method) === "function";
    if (store instanceof KeyvBridgeAdapter) return can("iterator");
    if (store instanceof KeyvMemoryAdapter) return can("entries");
    // An adapter of one of these two classes, from another copy of keyv.
    return below instanceof Map || (can("iterator") && can("entries"));
  }

  /**
   * Calls `visitor` for each value whose key `isWanted`, for some perhaps more than once. Ends early if the signal is
   * aborted.
   */
  async visit(
    isWanted: (key: string) => boolean,
    visitor: (key: string, value: unknown) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#call(async (reports) => {
      for await (const entry of this.#keyv.store.iterator?.() ?? []) {
        if (signal?.aborted) return;
        const [key, stored]: readonly unknown[] = entry;
        if (typeof key !== "string" || !isWanted(key)) continue;
        const value = await this.#valueOf(key, stored);
        if (value !== undefined) visitor(key, value);
      }
      checkUnreported(reports.any);
    });
  }

  /** Reads a key from the store itself, without Keyv's own `get`. */
  async #look(key: string, reports: Reports): Promise<unknown> {
    const stored: unknown = await this.#keyv.store.get(key);
    if (stored !== undefined && stored !== null) return this.#open(key, stored);
    checkUnreported(reports.any);
    return undefined;
  }

  /** The value of a key that the iterator gave; `undefined`: it has expired, or was deleted since. */
  async #valueOf(key: string, stored: unknown): Promise<unknown> {
    try {
      return await this.#open(key, stored);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
    // Older stores give keys without values. Or the value was replaced or deleted since.
    return this.get(key);
  }

  /** The value in the envelope that Keyv stores; `undefined`: it has expired. */
  async #open(key: string, stored: unknown): Promise<unknown> {
    let envelope: unknown;
    try {
      envelope = typeof stored === "string" ? await this.#keyv.decode(stored) : stored;
    } catch {
      // The error is dropped, because its message may quote what is stored.
    }
    const { value, expires } = Object(envelope) as { value?: unknown; expires?: unknown };
    if (value === undefined) throw new Unreadable(key);
    return typeof expires === "number" && Date.now() > expires ? undefined : value;
  }

  async #call<R>(call: (reports: Reports) => Promise<R>): Promise<R> {
    this.#checkNamespace(false);
    const answer = await this.#watch.during(call);
    this.#checkNamespace(true);
    return answer;
  }

  /**
   * Another Keyv on the same store object sets its own namespace there. This Keyv would then use that namespace, too.
   */
  #checkNamespace(sent: boolean): void {
    if (this.#keyv.store.namespace !== this.#namespace) throw new NamespaceChanged(sent);
  }
}

function checkUnreported(report: { error: unknown } | undefined): void {
  if (report !== undefined) throw new StoreFailure(report.error);
}
