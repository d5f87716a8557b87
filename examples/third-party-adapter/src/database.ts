import { DatabaseSync, type StatementSync } from "node:sqlite";
import { closed, type Outcome } from "@deep-agent/core/adapter";
import { prepareSchema } from "./schema.ts";
import { BACKEND, isBusy, isWithoutTransaction, sqliteError } from "./sqlite-error.ts";
import type { SqliteOptions } from "./sqlite-options.ts";

/** How often the switch to a write-ahead log is tried while others have the file, too. */
const WAL_TRIES = 100;

/** What a transaction is for: for the message of an error. */
export interface Purpose {
  /** As in "Cannot read memory …". */
  doing: string;
  memoryId?: string;
}

/**
 * One connection to the file, opened at first use. SQLite works while its caller waits: a transaction begins and ends in one
 * go, so that those of one connection never meet. Those of others, in this or another process, are kept apart by SQLite.
 */
export class Database {
  readonly #options: Required<SqliteOptions>;
  #db: DatabaseSync | undefined;
  #closed = false;
  readonly #statements = new Map<string, StatementSync>();

  constructor(options: Required<SqliteOptions>) {
    this.#options = options;
  }

  /** What the body reads is the file at one moment. */
  read<R>(purpose: Purpose, body: () => R): R {
    return this.#transaction("BEGIN", "not-applied", purpose, body);
  }

  /**
   * All that the body writes is there when this returns, or nothing of it. It has the right to write from its beginning:
   * what it reads cannot change under it, which makes of each append a compare-and-set.
   */
  write<R>(purpose: Purpose, body: () => R): R {
    return this.#transaction("BEGIN IMMEDIATE", "unknown", purpose, body);
  }

  /** Within a transaction. A statement is compiled once. */
  statement(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#open().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#closed = true;
    this.#statements.clear();
    this.#db?.close();
    this.#db = undefined;
  }

  /** `onCommit` is what became of the transaction where its very end fails. */
  #transaction<R>(begin: string, onCommit: Outcome, { doing, memoryId }: Purpose, body: () => R): R {
    let outcome: Outcome = "not-applied";
    try {
      const db = this.#open();
      try {
        db.exec(begin);
        const result = body();
        outcome = onCommit;
        db.exec("COMMIT");
        return result;
      } catch (error) {
        rollBack(db);
        throw error;
      }
    } catch (error) {
      throw sqliteError(error, doing, memoryId, outcome);
    }
  }

  #open(): DatabaseSync {
    if (this.#closed) throw closed("SqliteBackend", BACKEND);
    if (this.#db !== undefined) return this.#db;
    const { path, busyTimeout } = this.#options;
    const db = new DatabaseSync(path);
    try {
      // First: what follows may have to wait.
      db.exec(`PRAGMA busy_timeout = ${busyTimeout}`);
      useWriteAheadLog(db);
      // A commit is on the disk when it returns, also if the power goes.
      db.exec("PRAGMA synchronous = FULL");
      prepareSchema(db);
    } catch (error) {
      db.close();
      throw error;
    }
    this.#db = db;
    return db;
  }
}

/**
 * With a write-ahead log, readers and a writer do not wait for each other. The switch to it needs the file for itself, and
 * does not wait for that as other statements do; what comes behind it in the loop does.
 */
function useWriteAheadLog(db: DatabaseSync): void {
  for (let tries = 1; ; tries++) {
    try {
      db.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (!isBusy(error) || tries === WAL_TRIES) throw error;
    }
    db.exec("BEGIN EXCLUSIVE; COMMIT");
  }
}

function rollBack(db: DatabaseSync): void {
  try {
    db.exec("ROLLBACK");
  } catch (error) {
    // It never began, or SQLite has ended it by itself, as it does where the disk is full.
    if (!isWithoutTransaction(error)) throw error;
  }
}
