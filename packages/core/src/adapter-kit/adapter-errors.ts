import { MemoryError, type MemoryErrorDetails, withoutHint } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";

/*
 * Errors that every backend has, in the same words. Code, outcome and whether a retry helps are part of the contract.
 */

/** `CONFLICT`: the write expected another revision than the memory has, and wrote nothing. `backend`: its `name`. */
export function conflict(memoryId: string, backend?: string | undefined): MemoryError {
  return new MemoryError(
    "CONFLICT",
    `Nothing was written to memory ${quoteId(memoryId)}: its revision is not the expected one.`,
    { backend, memoryId, hint: "Read the memory again, and decide on what is there now." },
  );
}

/** `CLOSED`, for every call after `close`. `what` is the class that was closed, `backend` its `name`. */
export function closed(what: string, backend?: string | undefined): MemoryError {
  return new MemoryError("CLOSED", `This ${what} was closed.`, { backend, hint: "Make a new one." });
}

/** `INVALID_ARGUMENT`: a `cursor` of `recent` that this backend did not give. `backend`: its `name`. */
export function invalidCursor(backend?: string | undefined): MemoryError {
  return new MemoryError("INVALID_ARGUMENT", "Invalid `cursor`: pass the one returned with the previous page.", {
    backend,
  });
}

/** What {@link errorWith} changes. `message` is given the text without its hint, which is put after it again. */
export interface ErrorChanges extends MemoryErrorDetails {
  message?: ((text: string) => string) | undefined;
}

/** The same error with some of its details changed: for a layer that knows better which memory failed, or what became of a write. */
export function errorWith(error: MemoryError, changes: ErrorChanges): MemoryError {
  const { code, outcome, retryable, backend, memoryId, hint, cause, reply } = error;
  const { message = (text) => text, ...details } = changes;
  return new MemoryError(code, message(withoutHint(error)), {
    ...{ outcome, retryable, backend, memoryId, hint, cause, reply },
    ...details,
  });
}
