import { MemoryError } from "@deep-agent/core/adapter";

/** What may be shown of an error in a warning. */
export function codeOf(error: unknown): string {
  return MemoryError.is(error) ? error.code : "unexpected";
}
