import { MemoryError } from "@deep-agent/core/adapter";

/** The part of an error that a warning may show: a code quotes nothing that was said. */
export function codeOf(error: unknown): string {
  return MemoryError.is(error) ? error.code : "unexpected";
}
