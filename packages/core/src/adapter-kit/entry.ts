import { MemoryError } from "../contract/memory-error.ts";
import { parseJson } from "./records.ts";

/**
 * One append to a log: the unit of atomicity. Either all its records are stored or none.
 *
 * Its text, the same in every store, is `{"t":"<operation id>","at":<epoch µs>,"r":[<record>,…]}`. `t` is first, so
 * that an operation can be found by the beginning of the text.
 */
export interface Entry<T extends object = object> {
  /** The id of the operation that appended the entry. */
  operationId: string;
  /** When it was written, by the store's clock: microseconds since 1970. */
  at: number;
  /** The appended records, oldest first. */
  records: T[];
}

/** The text of an entry. `at`: microseconds since 1970. `recordTexts`: from {@link encodeRecords}. */
export function encodeEntry(operationId: string, at: number, recordTexts: readonly string[]): string {
  return `{"t":"${operationId}","at":${at},"r":[${recordTexts.join(",")}]}`;
}

/** How the texts of this operation's entries begin, and those of no other operation. */
export function entryPrefix(operationId: string): string {
  return `{"t":"${operationId}",`;
}

/**
 * Parses the text of an entry. Throws `CORRUPT` if the text is not an entry. `where` names the place for the error
 * message (`entry 7 of memory "alice"`), which must not quote the text: it is a conversation.
 */
export function decodeEntry<T extends object>(text: string, where: string): Entry<T> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw corrupt(where, error);
  }
  if (!isEntry(value)) throw corrupt(where, undefined);
  // The shape of the records is not checked: T is what the caller saved under this id.
  return { operationId: value.t, at: value.at, records: value.r as T[] };
}

function isEntry(value: unknown): value is { t: string; at: number; r: object[] } {
  if (typeof value !== "object" || value === null) return false;
  const { t, at, r } = value as { t?: unknown; at?: unknown; r?: unknown };
  return typeof t === "string" && Number.isSafeInteger(at) && Array.isArray(r) && r.every(isRecord);
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function corrupt(where: string, error: unknown): MemoryError {
  // The parser's message quotes the text, so only the kind of problem is kept.
  const problem = error === undefined ? "is not an entry" : "is not the JSON that was written";
  return new MemoryError("CORRUPT", `Cannot read ${where}: it ${problem}.`, {
    hint: "Restore the memory from a backup, or remove the damaged entry.",
  });
}
