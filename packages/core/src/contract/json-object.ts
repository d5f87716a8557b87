/** An object of which nothing is known: foreign code made it, or a server sent it. */
export interface JsonObject {
  readonly [name: string]: unknown;
}

/** Whether a value is an object, and not a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fields of an object. Any other value has none. */
export function fieldsIn(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
