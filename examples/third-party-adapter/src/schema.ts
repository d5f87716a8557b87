import type { DatabaseSync } from "node:sqlite";
import { unknownFormat } from "./sqlite-error.ts";

/** Stored in the file, so that a later version of this package can recognize the format. */
const FORMAT = 1;

const tables = `
  CREATE TABLE memories (
    key          INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,    -- UTF-8
    epoch        TEXT NOT NULL,           -- of the log's revisions
    position     INTEGER NOT NULL,        -- of the last entry; 0 without entries
    mark         TEXT NOT NULL,           -- of the last entry; '' without entries
    records      INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,        -- of the records' JSON texts, in UTF-8
    saves        TEXT NOT NULL,           -- the operation ids of the latest saves, a JSON array
    kept         TEXT NOT NULL,           -- those of appends that the last save kept known, a JSON array
    saved        INTEGER NOT NULL,        -- how many entries the last save made
    created_at   INTEGER NOT NULL,        -- milliseconds since 1970
    updated_at   INTEGER NOT NULL,
    write_number INTEGER NOT NULL UNIQUE  -- grows with every write to any memory; orders the catalogue
  ) STRICT;

  CREATE TABLE entries (
    memory    INTEGER NOT NULL,           -- the memory's key
    position  INTEGER NOT NULL,           -- from 1
    operation TEXT NOT NULL,              -- the append's operation id; '' for an entry of a save
    mark      TEXT NOT NULL,
    count     INTEGER NOT NULL,           -- how many records it has
    records   TEXT NOT NULL,              -- a JSON array
    PRIMARY KEY (memory, position)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX entries_by_operation ON entries (memory, operation, position) WHERE operation <> '';
`;

/**
 * Creates the tables in an empty database. Throws `CORRUPT` if the database has another format, or belongs to another
 * program.
 */
export function prepareSchema(db: DatabaseSync): void {
  if (formatOf(db) === FORMAT) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been first.
    if (formatOf(db) !== FORMAT) {
      if (formatOf(db) !== 0 || !isEmpty(db)) throw unknownFormat(formatOf(db));
      db.exec(`${tables} PRAGMA user_version = ${FORMAT}`);
    }
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

function formatOf(db: DatabaseSync): unknown {
  return db.prepare("PRAGMA user_version").get()?.["user_version"];
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
}
