import { cleanCause, MemoryError, type MemoryErrorCode, type Outcome, quoteId } from "@deep-agent/core/adapter";

/** The name of this backend in errors and events. */
export const BACKEND = "sqlite";

/** What an SQLite result code means to the caller. */
interface Kind {
  code: MemoryErrorCode;
  /** Whether the same call can succeed later, without a change by hand. */
  retryable: boolean;
  hint: string;
}

const busy: Kind = {
  code: "UNAVAILABLE",
  retryable: true,
  hint: "Other processes are writing. Retry, or set a longer busyTimeout.",
};
const denied: Kind = {
  code: "UNAUTHORIZED",
  retryable: false,
  hint: "Give the user of this process read and write access to the file and its folder.",
};
const damaged: Kind = {
  code: "CORRUPT",
  retryable: false,
  hint: "Check the path, or restore the file from a backup.",
};

/** By primary result code, https://www.sqlite.org/rescode.html */
const kinds: Readonly<Record<number, Kind>> = {
  3: denied, // SQLITE_PERM
  5: busy, // SQLITE_BUSY
  6: busy, // SQLITE_LOCKED
  8: denied, // SQLITE_READONLY
  11: damaged, // SQLITE_CORRUPT
  13: { code: "CAPACITY", retryable: true, hint: "Free space on the disk." }, // SQLITE_FULL
  14: { code: "UNAVAILABLE", retryable: false, hint: "Check that the path's folder exists." }, // SQLITE_CANTOPEN
  18: { code: "RECORD_TOO_LARGE", retryable: false, hint: "Store large data elsewhere." }, // SQLITE_TOOBIG
  23: denied, // SQLITE_AUTH
  26: damaged, // SQLITE_NOTADB
};
const other: Kind = { code: "UNAVAILABLE", retryable: true, hint: "Check the disk, then retry." };

/** The primary result code of an SQLite error; `undefined` for any other error. */
function resultCode(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  return code === "ERR_SQLITE_ERROR" && typeof errcode === "number" ? errcode & 0xff : undefined;
}

export function isBusy(error: unknown): boolean {
  return resultCode(error) === 5;
}

/**
 * Whether a ROLLBACK failed because there is nothing to roll back: SQLITE_ERROR, which never means a failure of the
 * store.
 */
export function isWithoutTransaction(error: unknown): boolean {
  return resultCode(error) === 1;
}

/**
 * Makes a `MemoryError` of an SQLite error. Other errors are returned unchanged: a `MemoryError` is right already, and
 * a bug in this package must not look like a failure of the store.
 */
export function sqliteError(error: unknown, doing: string, memoryId: string | undefined, outcome: Outcome): unknown {
  const code = resultCode(error);
  if (code === undefined) return error;
  const { hint, ...kind } = kinds[code] ?? other;
  const what = memoryId === undefined ? "the database" : `memory ${quoteId(memoryId)}`;
  return new MemoryError(kind.code, `Cannot ${doing} ${what}: SQLite's result code is ${code}.`, {
    retryable: kind.retryable,
    outcome,
    hint,
    backend: BACKEND,
    memoryId,
    // SQLite's messages name tables and columns. Values are bound, so no message contains them.
    cause: cleanCause(error),
  });
}

/** The parser's error is not the cause, because it quotes the text, which is part of a conversation. */
export function corrupt(memoryId: string, position: number): MemoryError {
  return new MemoryError("CORRUPT", `Entry ${position} of memory ${quoteId(memoryId)} is damaged.`, {
    backend: BACKEND,
    memoryId,
    hint: "Restore the database from a backup, or remove that row from the table `entries`.",
  });
}

export function unknownFormat(version: unknown): MemoryError {
  return new MemoryError("CORRUPT", `The database has format ${String(version)}, which this version does not know.`, {
    backend: BACKEND,
    hint: "Use a later version of @acme/memory-sqlite, or another path.",
  });
}
