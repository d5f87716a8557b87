import { MemoryError } from "../contract/memory-error.ts";
import { errorWith } from "./adapter-errors.ts";

/*
 * For calls that make several attempts at one write, or write to several stores: what the last error says is true of
 * the last attempt only.
 */

/**
 * Whether a write that failed with this error may be stored all the same. An error that is not a `MemoryError`, such as
 * the reason of a signal, does not say that it is not.
 */
export function mayHaveTakenEffect(error: unknown): boolean {
  return !MemoryError.is(error) || error.outcome !== "not-applied";
}

/**
 * The error of a call if an earlier part of it may have taken effect, and the last part failed with `error`:
 * `"not-applied"` becomes `"unknown"`, and the message says why. Any other error is returned unchanged, and so is the
 * reason of the call's signal.
 */
export function withUnknownOutcome<E>(error: E, signal?: AbortSignal | undefined): E | MemoryError {
  if (!MemoryError.is(error) || error.outcome !== "not-applied") return error;
  if (signal?.aborted && error === signal.reason) return error;
  return errorWith(error, {
    outcome: "unknown",
    message: (text) => `${text} An earlier part of this call may have taken effect.`,
  });
}
