import { MemoryError, warnOf } from "@deep-agent/core/adapter";

/** The names that one `list` or `recent` has read, in order to tell an empty store from one that cannot be read. */
export class NamesRead {
  readonly #backend: string | undefined;
  readonly #unreadable: string | undefined;
  #read = 0;
  #left = 0;

  /** `unreadable`: what is wrong with a name that no id has. `undefined`: it belongs to others, and is not counted. */
  constructor(backend: string | undefined, unreadable: string | undefined) {
    this.#backend = backend;
    this.#unreadable = unreadable;
  }

  /** Counts a name, and returns its id. `undefined`: no id has it. */
  count(memoryId: string | undefined): string | undefined {
    if (memoryId === undefined) this.#left += 1;
    else this.#read += 1;
    return memoryId;
  }

  /**
   * Throws `DECRYPT` if names could not be read and no name could. If only some could not, it publishes a warning.
   * `isWhole`: these were all names of the store.
   */
  report(isWhole: boolean): void {
    if (this.#unreadable === undefined || this.#left === 0) return;
    if (this.#read > 0 || !isWhole) {
      warnOf(this.#backend ?? "backend")(`${this.#left} names of memories were left out: they ${this.#unreadable}`);
      return;
    }
    throw new MemoryError("DECRYPT", `The store is not empty, but its names (${this.#left}) ${this.#unreadable}.`, {
      backend: this.#backend,
      hint: "Use the key that the memories were stored with. If others keep memories there, too, give each a part by withPrefix.",
    });
  }
}
