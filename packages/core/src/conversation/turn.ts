import type { Operation } from "../adapter-kit/store-once.ts";
import { MemoryError } from "../contract/memory-error.ts";
import type { Message } from "../contract/message.ts";

/**
 * What to do with a turn if another writer has written since the conversation was read: `"append"` stores it after the
 * other turn, `"throw"` rejects with `CONFLICT`.
 */
export type ConflictPolicy = "append" | "throw";

/** Throws `INVALID_ARGUMENT` unless `policy` is a {@link ConflictPolicy}. */
export function checkConflictPolicy(policy: unknown): asserts policy is ConflictPolicy {
  if (policy === "append" || policy === "throw") return;
  throw new MemoryError("INVALID_ARGUMENT", 'The conflict policy must be "append" or "throw".');
}

/**
 * One exchange to be stored. Its `since` is the revision that was read, or that of a later own turn if no other writer
 * wrote between them.
 */
export type Turn = Operation<Message>;
