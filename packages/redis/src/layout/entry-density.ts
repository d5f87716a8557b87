/** The number of windows after which older observations are forgotten. */
const PERIOD = 64;

/**
 * Estimates how many entries a window needs for its number of records, from the number of records in the entries of
 * earlier windows.
 */
export class EntryDensity {
  #fewest = 1;
  #fewestLately = Number.POSITIVE_INFINITY;
  #noted = 0;

  /** Enough entries for the records, unless this log has fewer records an entry than every log noted recently. */
  entriesFor(records: number): number {
    return Math.ceil(records / this.#fewest);
  }

  /** Notes how many records an entry of a log has on average, at least one. */
  note(recordsPerEntry: number): void {
    this.#fewestLately = Math.min(this.#fewestLately, Math.max(1, recordsPerEntry));
    this.#fewest = this.#noted === 0 ? this.#fewestLately : Math.min(this.#fewest, this.#fewestLately);
    this.#noted += 1;
    if (this.#noted % PERIOD !== 0) return;
    this.#fewest = this.#fewestLately;
    this.#fewestLately = Number.POSITIVE_INFINITY;
  }
}
