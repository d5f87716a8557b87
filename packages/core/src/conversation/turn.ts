import type { Operation } from "../adapter-kit/store-once.ts";
import { MemoryError } from "../contract/memory-error.ts";
import type { Message } from "../contract/message.ts";

/** What is done with a turn when someone else has written since the model saw the conversation. */
export type ConflictPolicy = "append" | "throw";

/** Throws `INVALID_ARGUMENT` for what is no policy. */
export function checkConflictPolicy(policy: unknown): asserts policy is ConflictPolicy {
  if (policy === "append" || policy === "throw") return;
  throw new MemoryError("INVALID_ARGUMENT", 'The conflict policy must be "append" or "throw".');
}

/** One exchange on its way into the log. Its `since` is what was read, moved on by own turns that nobody wrote between. */
export type Turn = Operation<Message>;
