import { type Keyv, KeyvBridgeAdapter, KeyvMemoryAdapter } from "keyv";
import { ErrorWatch, type Reports } from "./error-watch.ts";
import { NamespaceChanged, StoreFailure, Unreadable } from "./keyv-error.ts";

/**
 * A Keyv whose failures are thrown. Keyv itself, and many of its stores, answer a call that failed with `undefined`, `false` or an
 * early end, as if there were nothing, and report the failure as an `error` event.
 *
 * The answers that may mean either are believed only if nothing at all was reported meanwhile.
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

  /** The value; `undefined`: there is none. Throws {@link Unreadable} where there is something else than a value. */
  async get(key: string): Promise<unknown> {
    let failure: { error: unknown } | undefined;
    try {
      const value: unknown = await this.#call(() => this.#keyv.get(key));
      if (value !== undefined) return value;
    } catch (error) {
      failure = { error };
    }
    // Absent, expired, unreadable, or a failure: the store itself can tell.
    const found = await this.#call((reports) => this.#look(key, reports));
    if (failure !== undefined) throw failure.error;
    return found;
  }

  /** `ttl` in milliseconds; 0: for ever; `undefined`: as the Keyv has it. */
  async set(key: string, value: string, ttl: number | undefined): Promise<void> {
    await this.#call(async (reports) => {
      const done: unknown = await this.#keyv.set(key, value, ttl);
      // Of a store that swallows its errors, Keyv says that all went well.
      expectNone(reports.own);
      if (done === false) throw new StoreFailure(reports.any?.error ?? new Error("It did not take what was written."));
    });
  }

  async delete(key: string): Promise<void> {
    await this.#call(async (reports) => {
      const done: unknown = await this.#keyv.delete(key);
      expectNone(done === true ? reports.own : reports.any);
    });
  }

  /** Whether {@link visit} can go through all keys. An `iterator` of Keyv's own ends at once where the store below has none. */
  get isIterable(): boolean {
    const { store } = this.#keyv;
    if (typeof store.iterator !== "function") return false;
    if (!("getKeyPrefixData" in store)) return true;
    const below: unknown = Reflect.get(store, "store");
    const can = (method: string): boolean => typeof Reflect.get(Object(below), method) === "function";
    if (store instanceof KeyvBridgeAdapter) return can("iterator");
    if (store instanceof KeyvMemoryAdapter) return can("entries");
    // One of the two, of another copy of keyv.
    return below instanceof Map || (can("iterator") && can("entries"));
  }

  /** Calls `visitor` for each value that has a key which `isWanted`, some perhaps more than once. Ends early where the signal is aborted. */
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
      expectNone(reports.any);
    });
  }

  /** What stands under a key, told past Keyv's own `get`. */
  async #look(key: string, reports: Reports): Promise<unknown> {
    const stored: unknown = await this.#keyv.store.get(key);
    if (stored !== undefined && stored !== null) return this.#open(key, stored);
    expectNone(reports.any);
    return undefined;
  }

  /** The value of a key that was come across; `undefined`: it has expired, or is gone by now. */
  async #valueOf(key: string, stored: unknown): Promise<unknown> {
    try {
      return await this.#open(key, stored);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
    // Older stores give keys alone; or it was replaced or deleted since.
    return this.get(key);
  }

  /** The value in what a store holds, which is Keyv's envelope; `undefined`: it has expired. */
  async #open(key: string, stored: unknown): Promise<unknown> {
    let envelope: unknown;
    try {
      envelope = typeof stored === "string" ? await this.#keyv.decode(stored) : stored;
    } catch {
      // Its message may quote what is stored.
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

  /** Another Keyv on the same store object sets its own namespace there, and from then on this one would use that, too. */
  #checkNamespace(sent: boolean): void {
    if (this.#keyv.store.namespace !== this.#namespace) throw new NamespaceChanged(sent);
  }
}

function expectNone(report: { error: unknown } | undefined): void {
  if (report !== undefined) throw new StoreFailure(report.error);
}
