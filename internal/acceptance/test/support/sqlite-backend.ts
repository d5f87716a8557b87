import { DatabaseSync } from "node:sqlite";
import {
  type CallOptions,
  checkCall,
  checkList,
  checkPlainSave,
  type ListOptions,
  type MemoryBackend,
  type Message,
  parseJson,
  type SaveOptions,
} from "@deep-agent/core/adapter";

/** Each memory is a row of a SQLite table: its id, and its records as a JSON array. */
export class SqliteBackend<T extends object = Message> implements MemoryBackend<T> {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec("PRAGMA busy_timeout = 5000"); // another process may be writing
    this.#db.exec("CREATE TABLE IF NOT EXISTS memories (id BLOB PRIMARY KEY, records TEXT NOT NULL) STRICT");
  }

  async load(memoryId: string, options?: CallOptions): Promise<T[] | null> {
    checkCall(memoryId, options);
    const row = this.#db.prepare("SELECT records FROM memories WHERE id = ?").get(Buffer.from(memoryId));
    return row === undefined ? null : (parseJson(String(row["records"])) as T[]);
  }

  async save(memoryId: string, records: readonly T[], options?: SaveOptions): Promise<void> {
    const texts = checkPlainSave(memoryId, records, options);
    const upsert = "INSERT INTO memories VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET records = excluded.records";
    this.#db.prepare(upsert).run(Buffer.from(memoryId), `[${texts.join(",")}]`);
  }

  async delete(memoryId: string, options?: CallOptions): Promise<void> {
    checkCall(memoryId, options);
    this.#db.prepare("DELETE FROM memories WHERE id = ?").run(Buffer.from(memoryId));
  }

  async list(options: ListOptions = {}): Promise<string[]> {
    checkList(options);
    const rows = this.#db.prepare("SELECT id FROM memories").all();
    const ids = rows.map((row) => Buffer.from(row["id"] as Uint8Array).toString()); // a BLOB column
    return ids.filter((id) => id.startsWith(options.prefix ?? ""));
  }
}

/** What `openBackend({ adapter: "…", path: "memories.db" })` calls. */
export function fromConfig(config: { path: string }): SqliteBackend {
  return new SqliteBackend(config.path);
}
