import type {
  AppendOptions,
  CallOptions,
  ListOptions,
  ReadOptions,
  RecentOptions,
  SaveOptions,
} from "../contract/backend.ts";
import { MemoryError } from "../contract/memory-error.ts";
import { checkMemoryId } from "../contract/memory-id.ts";
import { checkOperationId } from "../contract/operation-id.ts";
import { encodeRecords } from "./records.ts";

/*
 * The checks that every backend makes on its arguments before it does anything: one function per method. They throw
 * `INVALID_MEMORY_ID`, `INVALID_ARGUMENT`, `INVALID_RECORD` or `RECORD_TOO_LARGE`, or the reason of a signal that is
 * already aborted.
 */

/** Checks the arguments of `ping`. Throws `INVALID_ARGUMENT`, or the reason of an aborted signal. */
export function checkOptions(options: CallOptions = {}): void {
  signalOf(options)?.throwIfAborted();
}

/** Throws `INVALID_ARGUMENT` unless options are an object. */
export function checkObject(options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  throw new MemoryError("INVALID_ARGUMENT", "The options must be an object, or be left out.");
}

/** The signal of options, aborted or not; `undefined`: they have no signal. Throws `INVALID_ARGUMENT`. */
export function signalOf(options: CallOptions): AbortSignal | undefined {
  checkObject(options);
  const { signal } = options;
  if ((signal ?? null) === null) return undefined;
  if (typeof signal?.throwIfAborted !== "function") {
    throw new MemoryError("INVALID_ARGUMENT", "`signal` must be an AbortSignal.");
  }
  return signal;
}

/**
 * Checks the arguments of `load`, `delete`, `info` and `touch`. Throws `INVALID_MEMORY_ID`, `INVALID_ARGUMENT`, or
 * the reason of an aborted signal.
 */
export function checkCall(memoryId: unknown, options: CallOptions = {}): asserts memoryId is string {
  checkMemoryId(memoryId);
  checkOptions(options);
}

/**
 * Checks the arguments of `save`. Returns the records' JSON texts. Throws what {@link checkCall} throws,
 * `INVALID_RECORD` or `RECORD_TOO_LARGE`.
 */
export function checkSave(memoryId: string, records: readonly object[], options: SaveOptions = {}): string[] {
  checkCall(memoryId, options);
  if (options.operationId !== undefined) checkOperationId(options.operationId);
  checkRevision("expectedRevision", options.expectedRevision ?? undefined);
  checkSwitch("keepOperations", options.keepOperations);
  return encodeRecords(memoryId, records);
}

/**
 * Checks the arguments of `save` for a backend without `log`. Returns the records' JSON texts. Throws what
 * {@link checkSave} throws, and `NOT_SUPPORTED` for `expectedRevision`, `operationId` and `keepOperations: true`, which
 * need a log.
 */
export function checkPlainSave(memoryId: string, records: readonly object[], options: SaveOptions = {}): string[] {
  const texts = checkSave(memoryId, records, options);
  const { expectedRevision, operationId, keepOperations = false } = options;
  if (expectedRevision === undefined && operationId === undefined && !keepOperations) return texts;
  throw new MemoryError(
    "NOT_SUPPORTED",
    "This backend has no log, so a save cannot be conditional or named, and keeps no operations.",
    {
      memoryId,
      hint: "Leave out expectedRevision, operationId and keepOperations, or use a backend that supports `log`.",
    },
  );
}

/**
 * Checks the arguments of `append`. Returns the records' JSON texts. Throws what {@link checkSave} throws, and
 * `INVALID_RECORD` if there are no records.
 */
export function checkAppend(memoryId: string, records: readonly object[], options: AppendOptions = {}): string[] {
  const texts = checkSave(memoryId, records, options);
  checkRevision("since", options.since ?? undefined);
  if (texts.length === 0) {
    throw new MemoryError("INVALID_RECORD", "Nothing was appended: there are no records.", {
      memoryId,
      hint: "Append at least one record; `save(id, [])` creates an empty memory.",
    });
  }
  return texts;
}

/** Checks the arguments of `read`. Throws what {@link checkCall} throws. */
export function checkRead(memoryId: string, options: ReadOptions = {}): void {
  checkCall(memoryId, options);
  checkRevision("since", options.since);
  checkRevision("before", options.before);
  if (options.last !== undefined) checkCount("last", options.last);
  if (options.since !== undefined && options.before !== undefined) {
    throw new MemoryError("INVALID_ARGUMENT", "A read takes `since` or `before`, not both.", { memoryId });
  }
}

/** Checks the arguments of `list`. Throws `INVALID_ARGUMENT`, or the reason of an aborted signal. */
export function checkList(options: ListOptions = {}): void {
  checkOptions(options);
  if (options.prefix !== undefined && typeof options.prefix !== "string") {
    throw new MemoryError("INVALID_ARGUMENT", "The `prefix` of a list must be a string.");
  }
}

/**
 * Checks the arguments of `recent`, except `cursor`: the backend checks its own ({@link invalidCursor}). Throws
 * `INVALID_ARGUMENT`, or the reason of an aborted signal.
 */
export function checkRecent(options: RecentOptions): void {
  checkList(options);
  checkCount("limit", options?.limit);
}

function checkCount(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new MemoryError(
      "INVALID_ARGUMENT",
      `\`${name}\` must be a positive integer, not ${typeof value === "number" ? value : typeof value}.`,
    );
  }
}

function checkSwitch(name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new MemoryError("INVALID_ARGUMENT", `\`${name}\` must be true or false, not ${typeof value}.`);
}

function checkRevision(name: string, value: unknown): void {
  if (value !== undefined && (typeof value !== "string" || value === "")) {
    throw new MemoryError("INVALID_ARGUMENT", `\`${name}\` must be a revision returned by a backend.`, {
      hint: "Pass the `revision` or `start` of a read unchanged.",
    });
  }
}
