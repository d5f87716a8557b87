import { MemoryError } from "../contract/memory-error.ts";
import { parseJson } from "./records.ts";

/**
 * One append to a log: the unit of atomicity. All its records are stored or none.
 *
 * Its text, the same in every store, is `{"t":"<operation id>","at":<epoch µs>,"r":[<record>,…]}`, with `t` first so that
 * an operation can be searched by the text's beginning.
 */
export interface Entry<T extends object = object> {
  operationId: string;
  /** When it was written, by the store's clock: microseconds since 1970. */
  at: number;
  records: T[];
}

/** The text of an entry, from the JSON texts of its records ({@link encodeRecords}). */
export function encodeEntry(operationId: string, at: number, recordTexts: readonly string[]): string {
  return `{"t":"${operationId}","at":${at},"r":[${recordTexts.join(",")}]}`;
}

/** The beginning that the text of every entry of this operation has, and of no other. */
export function entryPrefix(operationId: string): string {
  return `{"t":"${operationId}",`;
}

/**
 * The entry behind its text. Throws `CORRUPT` where the text is not one; `where` names the place for the message
 * (`entry 7 of memory "alice"`), since the text itself is somebody's conversation.
 */
export function decodeEntry<T extends object>(text: string, where: string): Entry<T> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw corrupt(where, error);
  }
  if (!isEntry(value)) throw corrupt(where, undefined);
  // The records' own shape is the caller's business: T is what was saved under this id.
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
  // A parser's message quotes the text, so only the kind of the problem is kept.
  const problem = error === undefined ? "is not an entry" : "is not the JSON that was written";
  return new MemoryError("CORRUPT", `Cannot read ${where}: it ${problem}.`, {
    hint: "Restore the memory from a backup, or remove the damaged entry.",
  });
}
