import { MemoryError } from "./memory-error.ts";

const pattern = /^[A-Za-z0-9_-]{1,64}$/;

/** Throws `INVALID_ARGUMENT` unless `id` matches `[A-Za-z0-9_-]{1,64}`. */
export function checkOperationId(id: unknown): asserts id is string {
  if (typeof id !== "string" || !pattern.test(id)) {
    throw new MemoryError("INVALID_ARGUMENT", "An operation id must match [A-Za-z0-9_-]{1,64}.", {
      hint: "Leave it out to use a new id.",
    });
  }
}
