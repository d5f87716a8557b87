import { MemoryError, type MemoryErrorDetails, withoutHint } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";

/*
 * Errors that every backend has, with the same texts. Code, outcome and `retryable` are part of the contract.
 */

/**
 * `CONFLICT`: the write expected a revision other than the memory's, and wrote nothing. `backend`: the backend's
 * `name`; default: none is named.
 */
export function conflict(memoryId: string, backend?: string | undefined): MemoryError {
  return new MemoryError(
    "CONFLICT",
    `Nothing was written to memory ${quoteId(memoryId)}: its revision is not the expected one.`,
    { backend, memoryId, hint: "Read the memory again, then decide what to write." },
  );
}

/**
 * `CLOSED`: for every call after `close`. `what`: the name of the class that was closed. `backend`: the backend's
 * `name`; default: none is named.
 */
export function closed(what: string, backend?: string | undefined): MemoryError {
  return new MemoryError("CLOSED", `This ${what} was closed.`, { backend, hint: "Make a new one." });
}

/**
 * `INVALID_ARGUMENT`: a `cursor` of `recent` that this backend did not return. `backend`: the backend's `name`;
 * default: none is named.
 */
export function invalidCursor(backend?: string | undefined): MemoryError {
  return new MemoryError("INVALID_ARGUMENT", "Invalid `cursor`: pass the one returned with the previous page.", {
    backend,
  });
}

/** What {@link errorWith} changes. A detail that is absent stays as it is; `undefined` removes it. */
export interface ErrorChanges extends MemoryErrorDetails {
  /** Makes the new message from the old one without its hint. The hint is appended again. Default: unchanged. */
  message?: ((text: string) => string) | undefined;
}

/**
 * A copy of the error with some details changed: for a layer that knows better which memory failed, or what became of a
 * write.
 */
export function errorWith(error: MemoryError, changes: ErrorChanges): MemoryError {
  const { code, outcome, retryable, backend, memoryId, hint, cause, reply } = error;
  const { message = (text) => text, ...details } = changes;
  return new MemoryError(code, message(withoutHint(error)), {
    ...{ outcome, retryable, backend, memoryId, hint, cause, reply },
    ...details,
  });
}
