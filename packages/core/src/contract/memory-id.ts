import { MemoryError } from "./memory-error.ts";

/** The maximum length of a memory id, in bytes of UTF-8. */
export const MAX_MEMORY_ID_BYTES = 1024;

/**
 * Throws `INVALID_MEMORY_ID` unless `id` is a non-empty well-formed string (no lone surrogates) of at most
 * {@link MAX_MEMORY_ID_BYTES} bytes of UTF-8. Every such string is a valid id, including slashes, dots, newlines and
 * glob characters. Ids that differ in any code unit name different memories.
 */
export function checkMemoryId(id: unknown): asserts id is string {
  const problem = memoryIdProblem(id);
  if (problem !== undefined) {
    throw new MemoryError("INVALID_MEMORY_ID", `A memory id ${problem}.`, {
      hint: `Use a non-empty, well-formed string of at most ${MAX_MEMORY_ID_BYTES} UTF-8 bytes, such as a user or session id.`,
    });
  }
}

function memoryIdProblem(id: unknown): string | undefined {
  if (typeof id !== "string") return `must be a string, not ${id === null ? "null" : typeof id}`;
  if (id === "") return "must not be empty";
  if (!id.isWellFormed()) return "must not hold lone surrogates";
  const bytes = Buffer.byteLength(id);
  if (bytes > MAX_MEMORY_ID_BYTES)
    return `must not be longer than ${MAX_MEMORY_ID_BYTES} bytes (this one has ${bytes})`;
  return undefined;
}

const SHOWN_LENGTH = 80;

/** The id in quotes for an error message or a log line: control characters are escaped, long ids are cut. */
export function quoteId(id: string): string {
  return JSON.stringify(id.length > SHOWN_LENGTH ? `${id.slice(0, SHOWN_LENGTH)}…` : id);
}
