import { newId, type ReadOptions, type Revision, type Snapshot, windowStart } from "@deep-agent/core/adapter";

/** How many of the newest entries are searched for an operation where the caller does not say what it knew. */
const SEARCHED_ENTRIES = 64;

/** How many saves a memory remembers by their operation id. */
const REMEMBERED_SAVES = 64;

/** One append: the JSON texts of its records. Text, so that nothing is shared with a caller. */
interface LogEntry {
  operationId: string;
  texts: readonly string[];
}

/** One memory: its entries in order. Revisions are `<epoch>.<position>`, the position being the number of entries before it. */
export class MemoryLog<T extends object> {
  #epoch = newId();
  #entries: LogEntry[] = [];
  #records = 0;
  #bytes = 0;
  readonly #saves: string[] = [];

  /** The revision of the whole log. */
  get revision(): Revision {
    return this.#revisionAt(this.#entries.length);
  }

  /** How many records all entries hold together. */
  get records(): number {
    return this.#records;
  }

  /** The bytes of UTF-8 of all records' JSON texts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether this is still the log that `since` speaks of; where nothing is said of it, it is. */
  continues(since: Revision | null | undefined): boolean {
    if (since === undefined) return true;
    const position = since === null ? undefined : this.#positionOf(since);
    return position !== undefined && position <= this.#entries.length;
  }

  /** The revision right behind the entry of this operation, searched where `since` says; `undefined`: not found. */
  find(operationId: string, since: Revision | null | undefined): Revision | undefined {
    for (let index = this.#searchStart(since); index < this.#entries.length; index++) {
      if (this.#entries[index]?.operationId === operationId) return this.#revisionAt(index + 1);
    }
    return undefined;
  }

  append(operationId: string, texts: readonly string[]): void {
    this.#entries.push({ operationId, texts });
    this.#records += texts.length;
    for (const text of texts) this.#bytes += Buffer.byteLength(text);
  }

  /** Whether this save was made already, by this or by one of the other latest saves. */
  wasSavedBy(operationId: string | undefined): boolean {
    return operationId !== undefined && this.#saves.includes(operationId);
  }

  /** Puts one entry per record in the place of all entries. */
  replace(operationId: string | undefined, texts: readonly string[]): void {
    this.#epoch = newId();
    this.#entries = [];
    this.#records = 0;
    this.#bytes = 0;
    // The epoch is random: no append can have the same operation id as an entry of a save.
    for (const text of texts) this.append(this.#epoch, [text]);
    if (operationId === undefined) return;
    this.#saves.push(operationId);
    if (this.#saves.length > REMEMBERED_SAVES) this.#saves.shift();
  }

  /** What the options ask for, at a cost of what is answered, not of the log. */
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
    // The texts are those of records of T: `encodeRecords` made them, and nobody else has them.
    return this.#entries.slice(from, end).flatMap(({ texts }) => texts.map((text) => JSON.parse(text) as T));
  }

  #searchStart(since: Revision | null | undefined): number {
    if (since === undefined) return Math.max(0, this.#entries.length - SEARCHED_ENTRIES);
    return since !== null && this.continues(since) ? (this.#positionOf(since) ?? 0) : 0;
  }

  #revisionAt(position: number): Revision {
    return `${this.#epoch}.${position}`;
  }

  /** The position that a revision names; `undefined`: it is of another log. */
  #positionOf(revision: Revision): number | undefined {
    const prefix = `${this.#epoch}.`;
    if (!revision.startsWith(prefix)) return undefined;
    const position = revision.slice(prefix.length);
    return /^\d{1,15}$/.test(position) ? Number(position) : undefined;
  }
}
