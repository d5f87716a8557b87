import { parseJson } from "@deep-agent/core/adapter";
import type { Database } from "./database.ts";
import { corrupt } from "./sqlite-error.ts";

/** An entry. An append adds one, and a save adds one for each of its records. */
export interface Entry {
  position: number;
  /** The append's operation id; empty if a save made the entry. */
  operation: string;
  mark: string;
  /** The JSON texts of the records. */
  texts: readonly string[];
}

/** The table `entries`. Call its methods within a transaction; `memory` is the memory's key. */
export class EntryTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add(memory: number, { position, operation, mark, texts }: Entry): void {
    this.#database
      .statement("INSERT INTO entries (memory, position, operation, mark, count, records) VALUES (?, ?, ?, ?, ?, ?)")
      .run(memory, position, operation, mark, texts.length, `[${texts.join(",")}]`);
  }

  removeAll(memory: number): void {
    this.#database.statement("DELETE FROM entries WHERE memory = ?").run(memory);
  }

  /** The mark of the entry at a position; `undefined` if it does not exist. */
  markAt(memory: number, position: number): string | undefined {
    const row = this.#database
      .statement("SELECT mark FROM entries WHERE memory = ? AND position = ?")
      .get(memory, position);
    return row && String(row["mark"]);
  }

  /** The newest entry of this operation after a position; `undefined` if it does not exist. */
  find(memory: number, operation: string, after: number): Pick<Entry, "position" | "mark"> | undefined {
    const row = this.#database
      .statement(
        `SELECT position, mark FROM entries WHERE memory = ? AND operation = ? AND operation <> '' AND position > ?
         ORDER BY position DESC LIMIT 1`,
      )
      .get(memory, operation, after);
    return row && { position: Number(row["position"]), mark: String(row["mark"]) };
  }

  /** The operation ids of the newest `most` appends, oldest first. */
  newestOperations(memory: number, most: number): string[] {
    const newestFirst = this.#database
      .statement("SELECT operation FROM entries WHERE memory = ? AND operation <> '' ORDER BY position DESC LIMIT ?")
      .all(memory, most);
    return newestFirst.map((row) => String(row["operation"])).reverse();
  }

  /**
   * The newest whole entries after `after` and up to `end` that hold at least `last` records together, or all of them.
   * `memoryId` is for the error: `CORRUPT` if an entry is damaged.
   */
  newest<T>(
    memory: number,
    memoryId: string,
    { after, end, last = Number.POSITIVE_INFINITY }: { after: number; end: number; last?: number | undefined },
  ): { records: T[]; start: number } {
    const newestFirst = this.#database.statement(
      `SELECT position, count, records FROM entries WHERE memory = ? AND position > ? AND position <= ?
       ORDER BY position DESC`,
    );
    const entries: T[][] = [];
    let start = end;
    let held = 0;
    // Row by row, so that older rows than those of the window are not read.
    for (const row of newestFirst.iterate(memory, after, end)) {
      start = Number(row["position"]) - 1;
      entries.push(decode<T>(String(row["records"]), memoryId, start + 1));
      held += Number(row["count"]);
      if (held >= last) break;
    }
    return { records: entries.reverse().flat(), start };
  }
}

function decode<T>(text: string, memoryId: string, position: number): T[] {
  let records: unknown;
  try {
    records = parseJson(text);
  } catch {
    throw corrupt(memoryId, position);
  }
  if (!Array.isArray(records)) throw corrupt(memoryId, position);
  return records as T[]; // the caller's T: what was saved under this id
}
