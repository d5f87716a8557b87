import { cleanCause, MemoryError, type MemoryErrorCode, type Outcome, quoteId } from "@deep-agent/core/adapter";

/** What errors and events call this backend. */
export const BACKEND = "file";

interface Kind {
  code: MemoryErrorCode;
  hint: string;
  retryable: boolean;
}

const full: Kind = { code: "CAPACITY", retryable: true, hint: "Free space on the disk, or raise the quota." };
const denied: Kind = {
  code: "UNAUTHORIZED",
  retryable: false,
  hint: "Give this process's user the right to read and write there, or choose another directory.",
};
const unavailable: Kind = {
  code: "UNAVAILABLE",
  retryable: true,
  hint: "Check the file system, then retry.",
};
const misplaced: Kind = {
  code: "UNAVAILABLE",
  retryable: false,
  hint: "Choose a directory, or a path where one can be made.",
};
const busy: Kind = {
  code: "UNAVAILABLE",
  retryable: true,
  hint: "Too many files are open: raise the limit, or do less at once.",
};

const kinds: Readonly<Record<string, Kind>> = {
  ENOSPC: full,
  EDQUOT: full,
  EFBIG: full,
  EACCES: denied,
  EPERM: denied,
  EROFS: denied,
  ENOTDIR: misplaced,
  EEXIST: misplaced,
  ELOOP: misplaced,
  ENAMETOOLONG: misplaced,
  EMFILE: busy,
  ENFILE: busy,
};

/** Whether a system call failed with this code: for example `ENOENT`. */
export function isSystemError(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && (error as { code?: unknown }).code === code;
}

/** Settles as `task` does. `null`: `task` failed because there is no such file. */
export async function unlessMissing<T>(task: () => Promise<T>): Promise<T | null> {
  try {
    return await task();
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return null;
    throw error;
  }
}

/** The error for a write that was cut short. Node reports such a write only by the number of written bytes. */
export function diskFull(): Error {
  return Object.assign(new Error("ENOSPC: the write was cut short"), { code: "ENOSPC" });
}

/** Whether the disk was full, so that a failed write certainly left nothing that counts. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].some((code) => isSystemError(error, code));
}

/** Whether the flush itself has failed, rather than a call before it. */
export function isFlushFailure(error: unknown): boolean {
  return !["EMFILE", "ENFILE", "EACCES", "EPERM", "ENOENT"].some((code) => isSystemError(error, code));
}

/**
 * The `MemoryError` for an error of a file system call. A `MemoryError` or the reason of a signal is returned
 * unchanged.
 */
export function fileError(
  error: unknown,
  doing: string,
  path: string,
  memoryId: string | undefined,
  outcome: Outcome,
): unknown {
  const { code } = (error ?? {}) as { code?: unknown };
  if (MemoryError.is(error) || typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return error;
  const { hint, ...kind } = kinds[code] ?? unavailable;
  const what = memoryId === undefined ? path : `memory ${quoteId(memoryId)} (${path})`;
  return new MemoryError(kind.code, `Cannot ${doing} ${what}: ${code}.`, {
    retryable: kind.retryable,
    outcome,
    hint,
    backend: BACKEND,
    memoryId,
    cause: cleanCause(error),
  });
}

/** `CORRUPT`. `offset` is a byte of the file, and `problem` says what is wrong there. */
export function corrupt(memoryId: string, path: string, offset: number, problem: string): MemoryError {
  return new MemoryError(
    "CORRUPT",
    `The log of memory ${quoteId(memoryId)} is damaged at byte ${offset} of ${path}: ${problem}.`,
    {
      backend: BACKEND,
      memoryId,
      hint: 'Restore the file from a backup, or open the backend with onCorrupt: "skip" to read what is left.',
    },
  );
}

/** `UNAVAILABLE`: a write or a compaction gave up after this many tries. */
export function tooContended(memoryId: string, tries: number): MemoryError {
  return new MemoryError(
    "UNAVAILABLE",
    `Could not write to memory ${quoteId(memoryId)}: lost the race to other writers ${tries} times; nothing was written.`,
    {
      backend: BACKEND,
      memoryId,
      retryable: true,
      hint: "Let fewer writers share one memory.",
    },
  );
}

/** `UNAVAILABLE`: an earlier flush of the file or directory has failed, so nothing more is written to it. */
export function flushFailedBefore(memoryId: string, path: string, outcome: Outcome): MemoryError {
  return new MemoryError(
    "UNAVAILABLE",
    `Cannot write to memory ${quoteId(memoryId)}: an earlier flush of ${path} has failed.`,
    {
      backend: BACKEND,
      outcome,
      memoryId,
      hint: "Data of that flush may be lost, and a second flush would not report it. Check the disk, and replace the file with a fresh copy of itself or with a backup: later processes cannot detect the loss.",
    },
  );
}
