import { parseJson } from "@deep-agent/core/adapter";
import { corrupt } from "./keyv-error.ts";

/**
 * A memory is one text: `{"v":1,"id":"<memory id>","r":[<record>,…]}`. It is JSON, so it has no control characters and
 * no lone surrogates. It is a string, so every serialization of a Keyv keeps it unchanged. It holds the id, because the
 * key may be a hash.
 */
export function encodeMemory(memoryId: string, recordTexts: readonly string[]): string {
  return `{"v":1,"id":${JSON.stringify(memoryId)},"r":[${recordTexts.join(",")}]}`;
}

/** The records in the value of that memory. Throws `CORRUPT` for anything that was not written for it. */
export function decodeMemory<T extends object>(value: unknown, memoryId: string): T[] {
  const memory = typeof value === "string" ? parsed(value, memoryId) : undefined;
  if (!isMemory(memory)) throw corrupt({ memoryId }, "is not a memory, or was written by a later version");
  if (memory.id !== memoryId) throw corrupt({ memoryId }, "belongs to another memory");
  // The records' own shape is the caller's business: T is what was saved under this id.
  return memory.r as T[];
}

/** Characters: more than a text has up to the end of the longest id. */
const MAX_BEGINNING = 8_192;
const beginning = /^\{"v":1,"id":("(?:[^"\\]|\\.)*"),"r":\[/;

/** The id in the value of a memory, found without parsing the records; `undefined`: the value is not a memory. */
export function idIn(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const literal = beginning.exec(value.slice(0, MAX_BEGINNING))?.[1];
  try {
    return literal === undefined ? undefined : String(JSON.parse(literal));
  } catch {
    // `encodeMemory` does not write such a literal.
    return undefined;
  }
}

function parsed(text: string, memoryId: string): unknown {
  try {
    return parseJson(text);
  } catch {
    // The error of the parser is dropped, because its message quotes the text.
    throw corrupt({ memoryId }, "is not the JSON that was written");
  }
}

function isMemory(value: unknown): value is { v: 1; id: string; r: object[] } {
  if (typeof value !== "object" || value === null) return false;
  const { v, id, r } = value as { v?: unknown; id?: unknown; r?: unknown };
  return v === 1 && typeof id === "string" && Array.isArray(r) && r.every(isRecord);
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
