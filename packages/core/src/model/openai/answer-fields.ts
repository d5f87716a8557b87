import { isJsonObject, type JsonObject } from "../../contract/json-object.ts";
import { MemoryError } from "../../contract/memory-error.ts";

/** A value of an answer, and where it stands in it. */
export interface Field {
  readonly path: string;
  readonly value: unknown;
}

/** The fields of an object; `undefined`: it is absent or `null`. Throws for any other value. */
export function fieldsOf({ path, value }: Field): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (isJsonObject(value)) return value;
  throw notUnderstood(path, `it is ${kindOf(value)} instead of an object`);
}

/** The elements of a list; a single object counts as one. Absent, `null` or false: none. Throws for another value. */
export function listAt({ path, value }: Field): Field[] {
  if (value === undefined || value === null || value === false) return [];
  if (typeof value !== "object") throw notUnderstood(path, `it is ${kindOf(value)} instead of a list`);
  if (!Array.isArray(value)) return [{ path, value }];
  return value.map((element: unknown, index) => ({ path: `${path}[${index}]`, value: element }));
}

/** A text. Absent or `null`: empty. Throws for any other value. */
export function textAt({ path, value }: Field): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  throw notUnderstood(path, `it is ${kindOf(value)} instead of text`);
}

/** The error for an answer that cannot be used as it is. It names the field, and quotes nothing. */
export function notUnderstood(field: string, problem: string): MemoryError {
  return new MemoryError("INVALID_ANSWER", `The model's answer cannot be understood: \`${field}\`: ${problem}.`, {
    hint: "Nothing was stored. Find out whether the server speaks the protocol of Chat Completions.",
  });
}

/** The error for an answer that ended early. */
export function brokeOff(problem: string, hint = "Nothing was stored; ask again.", cause?: unknown): MemoryError {
  const message = `The model's answer broke off: ${problem}.`;
  return new MemoryError("INVALID_ANSWER", message, { retryable: true, hint, cause });
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
