import { invalidCursor, type RecentOptions, type RecentPage } from "@deep-agent/core/adapter";
import type { Database } from "./database.ts";
import { idBytes, idOf, idRange } from "./id-range.ts";
import type { Place } from "./revision.ts";
import { BACKEND } from "./sqlite-error.ts";

/** How many operation ids of saves are stored for each memory. */
const REMEMBERED_SAVES = 64;

/** What is stored for a memory besides its entries. Its place is the end of its log. */
export interface Memory extends Place {
  records: number;
  bytes: number;
  createdAt: number;
  updatedAt: number;
  /** The operation ids of its latest saves, oldest first. */
  saves: readonly string[];
  /** The operation ids of appends that the last save kept known, oldest first. */
  kept: readonly string[];
  /** How many entries the last save made. */
  saved: number;
}

/** A memory in the table. */
export interface StoredMemory extends Memory {
  /** The key by which its entries refer to it. */
  key: number;
}

/** The table `memories`. Call its methods within a transaction. */
export class MemoryTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  find(memoryId: string): StoredMemory | undefined {
    const row = this.#database.statement("SELECT * FROM memories WHERE id = ?").get(idBytes(memoryId));
    if (row === undefined) return undefined;
    return {
      key: Number(row["key"]),
      epoch: String(row["epoch"]),
      position: Number(row["position"]),
      mark: String(row["mark"]),
      records: Number(row["records"]),
      bytes: Number(row["bytes"]),
      createdAt: Number(row["created_at"]),
      updatedAt: Number(row["updated_at"]),
      saves: JSON.parse(String(row["saves"])) as string[], // only `put` writes it
      kept: JSON.parse(String(row["kept"])) as string[], // only `put` writes it
      saved: Number(row["saved"]),
    };
  }

  /** Creates or replaces the row, and returns its key. Its write number becomes the greatest of all. */
  put(memoryId: string, memory: Memory): number {
    const { epoch, position, mark, records, bytes, saved, createdAt, updatedAt } = memory;
    const saves = JSON.stringify(memory.saves.slice(-REMEMBERED_SAVES));
    const kept = JSON.stringify(memory.kept);
    const upsert = `
      INSERT INTO memories
        (id, epoch, position, mark, records, bytes, saves, kept, saved, created_at, updated_at, write_number)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(write_number), 0) + 1 FROM memories))
      ON CONFLICT (id) DO UPDATE SET
        epoch = excluded.epoch, position = excluded.position, mark = excluded.mark, records = excluded.records,
        bytes = excluded.bytes, saves = excluded.saves, kept = excluded.kept, saved = excluded.saved,
        created_at = excluded.created_at, updated_at = excluded.updated_at, write_number = excluded.write_number
      RETURNING key`;
    const values = [idBytes(memoryId), epoch, position, mark, records, bytes, saves, kept, saved, createdAt, updatedAt];
    return Number(this.#database.statement(upsert).get(...values)?.["key"]);
  }

  remove(memory: StoredMemory): void {
    this.#database.statement("DELETE FROM memories WHERE key = ?").run(memory.key);
  }

  ids(prefix: string): string[] {
    const { from, to } = idRange(prefix);
    const rows = this.#database.statement("SELECT id FROM memories WHERE id BETWEEN ? AND ?").all(from, to);
    return rows.map((row) => idOf(row["id"])).filter((memoryId) => memoryId.startsWith(prefix));
  }

  /**
   * The cursor is the write number of the last memory on the page before. Memories that are written between two pages
   * move to the front, so they neither repeat nor shift the pages that follow.
   */
  recent({ limit, cursor, prefix = "" }: RecentOptions): RecentPage {
    const { from, to } = idRange(prefix);
    const newestFirst = this.#database.statement(
      `SELECT id, updated_at, write_number FROM memories
       WHERE write_number < ? AND id BETWEEN ? AND ? ORDER BY write_number DESC`,
    );
    const memories: RecentPage["memories"] = [];
    let last: number | undefined;
    for (const row of newestFirst.iterate(before(cursor), from, to)) {
      const memoryId = idOf(row["id"]);
      if (!memoryId.startsWith(prefix)) continue;
      // One memory more than fits, so there is another page.
      if (memories.length === limit) return { memories, cursor: String(last) };
      memories.push({ memoryId, updatedAt: Number(row["updated_at"]) });
      last = Number(row["write_number"]);
    }
    return { memories, cursor: null };
  }
}

function before(cursor: unknown): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (typeof cursor === "string" && /^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw invalidCursor(BACKEND);
}
