import { DatabaseSync, type StatementSync } from "node:sqlite";
import { closed, type Outcome } from "@deep-agent/core/adapter";
import { prepareSchema } from "./schema.ts";
import { BACKEND, isBusy, isWithoutTransaction, sqliteError } from "./sqlite-error.ts";
import type { SqliteOptions } from "./sqlite-options.ts";

/** How many times the switch to a write-ahead log is tried while other processes use the file. */
const WAL_TRIES = 100;

/** What a transaction does, for the message of an error. */
export interface Purpose {
  /** A verb, as in "Cannot read memory …". */
  doing: string;
  memoryId?: string;
}

/**
 * One connection to the file, opened at first use. SQLite calls are synchronous: a transaction begins and ends without
 * a pause, so transactions of one connection never overlap. SQLite itself isolates the transactions of other
 * connections, in this or another process.
 */
export class Database {
  readonly #options: Required<SqliteOptions>;
  #db: DatabaseSync | undefined;
  #isClosed = false;
  readonly #statements = new Map<string, StatementSync>();

  constructor(options: Required<SqliteOptions>) {
    this.#options = options;
  }

  /** The body reads the file as it was at one moment. */
  read<R>(purpose: Purpose, body: () => R): R {
    return this.#transaction("BEGIN", "not-applied", purpose, body);
  }

  /**
   * When this returns, everything that the body wrote is stored; if it throws before the commit, nothing is. It holds
   * the write lock from its beginning, so what it reads cannot change meanwhile. That makes each append a
   * compare-and-set.
   */
  write<R>(purpose: Purpose, body: () => R): R {
    return this.#transaction("BEGIN IMMEDIATE", "unknown", purpose, body);
  }

  /** Call it within a transaction. A statement is compiled once. */
  statement(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#open().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#isClosed = true;
    this.#statements.clear();
    this.#db?.close();
    this.#db = undefined;
  }

  /** `onCommit` is the outcome of the transaction if its commit fails. */
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
    if (this.#isClosed) throw closed("SqliteBackend", BACKEND);
    if (this.#db !== undefined) return this.#db;
    const { path, busyTimeout } = this.#options;
    const db = new DatabaseSync(path);
    try {
      // This comes first, because the next statements may have to wait.
      db.exec(`PRAGMA busy_timeout = ${busyTimeout}`);
      useWriteAheadLog(db);
      // A commit is on the disk when it returns, so it survives a power failure.
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
 * With a write-ahead log, readers and a writer do not wait for each other. The switch to it needs exclusive access to
 * the file, and does not wait for that as other statements do. The exclusive transaction after it in the loop does
 * wait.
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
    // The transaction never began, or SQLite has already rolled it back, as it does if the disk is full.
    if (!isWithoutTransaction(error)) throw error;
  }
}
