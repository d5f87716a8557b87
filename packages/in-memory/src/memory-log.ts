import { newId, type ReadOptions, type Revision, type Snapshot, windowStart } from "@deep-agent/core/adapter";

/** How many of the newest entries are searched for an operation if the caller does not give `since`. */
const SEARCHED_ENTRIES = 64;

/** How many of its latest saves a memory remembers by their operation ids. */
const REMEMBERED_SAVES = 64;

/** How many of the newest appends a save keeps known with `keepOperations`. */
const KEPT_APPENDS = 64;

/** One append: the JSON texts of its records. Texts rather than objects, so that nothing is shared with a caller. */
interface LogEntry {
  operationId: string;
  texts: readonly string[];
}

/**
 * The entries of one memory, in order. A revision is `<epoch>.<position>`: the position is the number of entries before
 * it.
 */
export class MemoryLog<T extends object> {
  #epoch = newId();
  #entries: LogEntry[] = [];
  #records = 0;
  #bytes = 0;
  readonly #saves: string[] = [];
  /** The operation ids of appends that the last save kept known, oldest first. */
  #kept: string[] = [];
  /** How many entries the last save made. */
  #saved = 0;

  /** The revision of the whole log. */
  get revision(): Revision {
    return this.#revisionAt(this.#entries.length);
  }

  /** The number of records in all entries. */
  get records(): number {
    return this.#records;
  }

  /** The size of all records' JSON texts in UTF-8: bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether this is still the log that `since` belongs to. `undefined` belongs to every log. */
  continues(since: Revision | null | undefined): boolean {
    if (since === undefined) return true;
    const position = since === null ? undefined : this.#positionOf(since);
    return position !== undefined && position <= this.#entries.length;
  }

  /**
   * The revision right after the entry of this operation; `undefined`: not found. Searches the entries after `since`,
   * or the whole log if it does not continue `since`; without `since`, the last {@link SEARCHED_ENTRIES}. Unless the
   * log continues `since`, an operation that the last save kept is found as well, right after that save.
   */
  find(operationId: string, since: Revision | null | undefined): Revision | undefined {
    for (let index = this.#searchStart(since); index < this.#entries.length; index++) {
      if (this.#entries[index]?.operationId === operationId) return this.#revisionAt(index + 1);
    }
    const isKept = (typeof since !== "string" || !this.continues(since)) && this.#kept.includes(operationId);
    return isKept ? this.#revisionAt(this.#saved) : undefined;
  }

  append(operationId: string, texts: readonly string[]): void {
    this.#entries.push({ operationId, texts });
    this.#records += texts.length;
    for (const text of texts) this.#bytes += Buffer.byteLength(text);
  }

  /** Whether one of the latest saves had this operation id. */
  wasSavedBy(operationId: string | undefined): boolean {
    return operationId !== undefined && this.#saves.includes(operationId);
  }

  /** Replaces all entries by one entry for each record. `keepOperations`: the newest appends stay known. */
  replace(operationId: string | undefined, texts: readonly string[], keepOperations: boolean): void {
    const appended = this.#entries.slice(Math.max(this.#saved, this.#entries.length - KEPT_APPENDS));
    const known = [...this.#kept, ...appended.map((entry) => entry.operationId)];
    this.#kept = keepOperations ? known.slice(-KEPT_APPENDS) : [];
    this.#saved = texts.length;
    this.#epoch = newId();
    this.#entries = [];
    this.#records = 0;
    this.#bytes = 0;
    // The epoch is random, so no append can have the same operation id as an entry of a save.
    for (const text of texts) this.append(this.#epoch, [text]);
    if (operationId === undefined) return;
    this.#saves.push(operationId);
    if (this.#saves.length > REMEMBERED_SAVES) this.#saves.shift();
  }

  /** The part that the options ask for. The cost is in proportion to that part, not to the log. */
  read({ last, since, before }: ReadOptions = {}): Snapshot<T> {
    const length = this.#entries.length;
    const known = since ?? before;
    const position = known === undefined ? undefined : this.#positionOf(known);
    const regressed = position !== undefined && position > length;
    const lost = known !== undefined && (position === undefined || regressed);

    const floor = since === undefined || lost ? 0 : (position ?? 0);
    const end = before === undefined || lost ? length : (position ?? length);
    const from = windowStart({ floor, end }, last, (index) => this.#entries[index]?.texts.length ?? 0);
    return {
      records: this.#parse(from, end),
      revision: this.revision,
      start: from === 0 ? null : this.#revisionAt(from),
      reset: lost || (since !== undefined && from > floor),
      regressed,
    };
  }

  #parse(from: number, end: number): T[] {
    // `encodeRecords` made the texts from records of type T, and nothing else can change them.
    return this.#entries.slice(from, end).flatMap(({ texts }) => texts.map((text) => JSON.parse(text) as T));
  }

  #searchStart(since: Revision | null | undefined): number {
    if (since === undefined) return Math.max(0, this.#entries.length - SEARCHED_ENTRIES);
    return since !== null && this.continues(since) ? (this.#positionOf(since) ?? 0) : 0;
  }

  #revisionAt(position: number): Revision {
    return `${this.#epoch}.${position}`;
  }

  /** The position in a revision; `undefined`: the revision belongs to another log. */
  #positionOf(revision: Revision): number | undefined {
    const prefix = `${this.#epoch}.`;
    if (!revision.startsWith(prefix)) return undefined;
    const position = revision.slice(prefix.length);
    return /^\d{1,15}$/.test(position) ? Number(position) : undefined;
  }
}
