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
const away: Kind = {
  code: "UNAVAILABLE",
  retryable: true,
  hint: "Check the file system, then retry.",
};
const misplaced: Kind = {
  code: "UNAVAILABLE",
  retryable: false,
  hint: "Choose a path that is a directory, or can become one.",
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

/** Whether the system failed with that code: `ENOENT`, say. */
export function isSystemError(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && (error as { code?: unknown }).code === code;
}

/** Settles as `task` does; `null`: there is no such file. */
export async function unlessMissing<T>(task: () => Promise<T>): Promise<T | null> {
  try {
    return await task();
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return null;
    throw error;
  }
}

/** What a write that was cut short stands for; Node reports it by its count alone. */
export function diskFull(): Error {
  return Object.assign(new Error("ENOSPC: the write was cut short"), { code: "ENOSPC" });
}

/** Whether a failed write surely left nothing that counts. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].some((code) => isSystemError(error, code));
}

/** Whether a flush has failed, rather than what goes before it. */
export function isFlushFailure(error: unknown): boolean {
  return !["EMFILE", "ENFILE", "EACCES", "EPERM", "ENOENT"].some((code) => isSystemError(error, code));
}

/** The `MemoryError` for what a file system call threw. Errors of ours, and a signal's reason, pass as they are. */
export function fileError(
  error: unknown,
  doing: string,
  path: string,
  memoryId: string | undefined,
  outcome: Outcome,
): unknown {
  const { code } = (error ?? {}) as { code?: unknown };
  if (MemoryError.is(error) || typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return error;
  const { hint, ...kind } = kinds[code] ?? away;
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

export function flushFailedBefore(memoryId: string, path: string, outcome: Outcome): MemoryError {
  return new MemoryError(
    "UNAVAILABLE",
    `Memory ${quoteId(memoryId)} is not written to: an earlier flush of ${path} has failed.`,
    {
      backend: BACKEND,
      outcome,
      memoryId,
      hint: "What the disk did not take may be lost, and a second flush would not tell. Check the disk, and copy the file anew from what is left or from a backup: no later process can tell.",
    },
  );
}
