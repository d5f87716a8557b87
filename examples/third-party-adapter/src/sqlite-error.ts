import { cleanCause, MemoryError, type MemoryErrorCode, type Outcome, quoteId } from "@deep-agent/core/adapter";

/** What errors and events call this backend. */
export const BACKEND = "sqlite";

/** What SQLite's result codes mean to whoever called. */
interface Kind {
  code: MemoryErrorCode;
  /** Whether the same call can succeed later, with nothing changed by hand. */
  retryable: boolean;
  hint: string;
}

const busy: Kind = {
  code: "UNAVAILABLE",
  retryable: true,
  hint: "Others are writing. Call again, or give a longer busyTimeout.",
};
const denied: Kind = {
  code: "UNAUTHORIZED",
  retryable: false,
  hint: "Give this process's user the right to read and write the file and its folder.",
};
const damaged: Kind = {
  code: "CORRUPT",
  retryable: false,
  hint: "Check that the path is the right one, or restore the file from a backup.",
};

/** By primary result code, https://www.sqlite.org/rescode.html */
const kinds: Readonly<Record<number, Kind>> = {
  3: denied, // SQLITE_PERM
  5: busy, // SQLITE_BUSY
  6: busy, // SQLITE_LOCKED
  8: denied, // SQLITE_READONLY
  11: damaged, // SQLITE_CORRUPT
  13: { code: "CAPACITY", retryable: true, hint: "Free space on the disk." }, // SQLITE_FULL
  14: { code: "UNAVAILABLE", retryable: false, hint: "Check that the folder of the path is there." }, // SQLITE_CANTOPEN
  18: { code: "RECORD_TOO_LARGE", retryable: false, hint: "Keep what is that large elsewhere." }, // SQLITE_TOOBIG
  23: denied, // SQLITE_AUTH
  26: damaged, // SQLITE_NOTADB
};
const other: Kind = { code: "UNAVAILABLE", retryable: true, hint: "Check the disk, then retry." };

/** The primary result code that a call of SQLite failed with; `undefined`: something else failed. */
function resultCode(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  return code === "ERR_SQLITE_ERROR" && typeof errcode === "number" ? errcode & 0xff : undefined;
}

export function isBusy(error: unknown): boolean {
  return resultCode(error) === 5;
}

/** Whether a ROLLBACK failed since there is nothing to roll back: SQLITE_ERROR, which is never a store's failure. */
export function isWithoutTransaction(error: unknown): boolean {
  return resultCode(error) === 1;
}

/**
 * The `MemoryError` for what SQLite threw. Anything else passes as it is: a `MemoryError` is right already, and a mistake
 * of this package must not look like one of the store's.
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
    // SQLite's messages name tables and columns. Values are bound, so that none of them is ever in one.
    cause: cleanCause(error),
  });
}

/** Without the parser's error as a cause: it quotes the text, and that is somebody's conversation. */
export function corrupt(memoryId: string, position: number): MemoryError {
  return new MemoryError("CORRUPT", `Entry ${position} of memory ${quoteId(memoryId)} is not what was written.`, {
    backend: BACKEND,
    memoryId,
    hint: "Restore the database from a backup, or remove that row of the table `entries`.",
  });
}

export function unknownFormat(version: unknown): MemoryError {
  return new MemoryError("CORRUPT", `The database has format ${String(version)}, which this version does not know.`, {
    backend: BACKEND,
    hint: "Use a later version of @acme/memory-sqlite, or another path.",
  });
}
