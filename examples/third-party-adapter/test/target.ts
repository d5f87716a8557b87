// The target of the conformance kit, for the tests and for `npx deep-agent-conformance test/target.ts`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SqliteBackend } from "../src/index.ts";

export const name = "sqlite";

let folder: string;
const path = (): string => join(folder, "memories.db");

export function open(): SqliteBackend<object> {
  folder = mkdtempSync(join(tmpdir(), "memory-sqlite-"));
  return reopen();
}

export function reopen(): SqliteBackend<object> {
  return new SqliteBackend<object>({ path: path() });
}

/** Another process opens the same file. It imports this module, too. */
export const elsewhere = {
  module: import.meta.filename as string,
  args: (): string[] => [path()],
  open: (path: string): SqliteBackend<object> => new SqliteBackend<object>({ path }),
};

export function close(): void {
  rmSync(folder, { recursive: true });
}

/** Every row of every table. */
export function residue(): string[] {
  return onFile((db) => [...rowsOf(db, "memories"), ...rowsOf(db, "entries")]);
}

/** Does what restoring a backup from before the last append does. The store has one memory. */
export function lose(): void {
  onFile((db) =>
    db.exec(`
      BEGIN IMMEDIATE;
      DELETE FROM entries WHERE position = (SELECT position FROM memories);
      UPDATE memories SET position = position - 1, mark = (SELECT mark FROM entries ORDER BY position DESC LIMIT 1);
      COMMIT;
    `),
  );
}

/** Opens the file directly, as another program would. */
function onFile<R>(ask: (db: DatabaseSync) => R): R {
  const db = new DatabaseSync(path());
  try {
    return ask(db);
  } finally {
    db.close();
  }
}

function rowsOf(db: DatabaseSync, table: string): string[] {
  // The kit also asks before the first call of the backend, which creates the tables.
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(table) === undefined) return [];
  return db
    .prepare(`SELECT * FROM ${table}`)
    .all()
    .map((row) => `${table}: ${JSON.stringify(row)}`);
}
