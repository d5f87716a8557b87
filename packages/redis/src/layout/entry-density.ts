/** After so many windows, what was seen before them is forgotten. */
const MEMORY = 64;

/**
 * Says how many entries a window takes, whose length is counted in records: from how many records the entries of others
 * had.
 */
export class EntryDensity {
  #fewest = 1;
  #fewestLately = Number.POSITIVE_INFINITY;
  #noted = 0;

  /** Enough for so many records, unless a log has fewer in an entry than all of those that were noted lately. */
  entriesFor(records: number): number {
    return Math.ceil(records / this.#fewest);
  }

  /** How many records an entry of some log has on average; at least one. */
  note(recordsPerEntry: number): void {
    this.#fewestLately = Math.min(this.#fewestLately, Math.max(1, recordsPerEntry));
    this.#fewest = this.#noted === 0 ? this.#fewestLately : Math.min(this.#fewest, this.#fewestLately);
    this.#noted += 1;
    if (this.#noted % MEMORY !== 0) return;
    this.#fewest = this.#fewestLately;
    this.#fewestLately = Number.POSITIVE_INFINITY;
  }
}
