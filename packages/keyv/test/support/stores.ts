import { EventEmitter } from "node:events";
import { type KeyvStorageAdapter, keyvStorageCapability } from "keyv";

/** The records of these tests. */
export interface Note {
  n: number;
  text?: string;
}

export function notes(from: number, count: number): Note[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

/** The methods of a store that a backend uses. */
export type Method = "get" | "set" | "delete" | "iterator";

/**
 * How a store fails. `throws`: it throws. `reports`: like Keyv's own stores, it emits an `error` event and answers as
 * if nothing were stored. `is silent`: it only answers `false`.
 */
export type How = "throws" | "reports" | "is silent";

/** A store for Keyv 6, in RAM, whose methods can be made to fail or to wait. */
export class FaultyStore extends EventEmitter {
  namespace: string | undefined;
  readonly rows: Map<string, { value: unknown; expires: number | undefined }> = new Map();
  /** The calls that were made, in order. */
  readonly calls: string[] = [];
  disconnected: boolean = false;
  readonly #faults = new Map<Method, { how: How; error: unknown; isHit: (key: string) => boolean }>();
  readonly #gates = new Map<Method, Promise<void>>();

  get capabilities(): NonNullable<KeyvStorageAdapter["capabilities"]> {
    return keyvStorageCapability(this);
  }

  /** Makes a method fail for the keys that are hit. */
  fail(
    method: Method,
    how: How,
    error: unknown = new Error("the disk is on fire"),
    isHit = (_key: string) => true,
  ): void {
    this.#faults.set(method, { how, error, isHit });
  }

  heal(): void {
    this.#faults.clear();
  }

  /** Makes the calls of a method wait until the function that it returns is called. */
  hold(method: Method): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gates.set(method, promise);
    return () => {
      this.#gates.delete(method);
      resolve();
    };
  }

  async get(key: string): Promise<unknown> {
    const failed = await this.#begin("get", key);
    return failed ? undefined : this.rows.get(this.#full(key))?.value;
  }

  async set(key: string, value: unknown, expires?: number): Promise<boolean> {
    if (await this.#begin("set", key, value)) return false;
    this.rows.set(this.#full(key), { value, expires });
    return true;
  }

  async delete(key: string): Promise<boolean> {
    if (await this.#begin("delete", key)) return false;
    return this.rows.delete(this.#full(key));
  }

  async *iterator(): AsyncGenerator<[string, unknown], void> {
    const prefix = this.#full("");
    let first = true;
    for (const [key, { value }] of this.rows) {
      if (!key.startsWith(prefix)) continue;
      // The first entry still comes, so that the early end looks like a complete list.
      if (!first && (await this.#begin("iterator", key))) return;
      first = false;
      yield [key.slice(prefix.length), value];
    }
  }

  async deleteMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.delete(key)));
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  async clear(): Promise<void> {
    this.rows.clear();
  }

  async disconnect(): Promise<void> {
    this.disconnected = true;
  }

  /** Whether the call has to end as if nothing were stored. */
  async #begin(method: Method, key: string, value?: unknown): Promise<boolean> {
    this.calls.push(`${method} ${key}`);
    await this.#gates.get(method);
    const fault = this.#faults.get(method);
    if (fault === undefined || !fault.isHit(key)) return false;
    const error = typeof fault.error === "function" ? fault.error(value) : fault.error;
    if (fault.how === "throws") throw error;
    if (fault.how === "reports") this.emit("error", error);
    return true;
  }

  #full(key: string): string {
    return this.namespace === undefined ? key : `${this.namespace}::${key}`;
  }
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
