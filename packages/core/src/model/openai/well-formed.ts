/** A copy in which half a surrogate pair is U+FFFD, in every string. A value without one is returned as it is. */
export function wellFormed<T>(value: T): T {
  return repaired(value) as T; // strings stay strings, and everything else keeps its shape
}

function repaired(value: unknown): unknown {
  if (typeof value === "string") return value.isWellFormed() ? value : value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return mapped(value, value.map(repaired));
  const entries = Object.entries(value);
  const parts = entries.flat();
  const copies = parts.map(repaired);
  if (parts.every((part, index) => part === copies[index])) return value;
  return Object.fromEntries(entries.map((_, index) => [copies[2 * index], copies[2 * index + 1]]));
}

function mapped(value: unknown[], copy: unknown[]): unknown[] {
  return value.every((part, index) => part === copy[index]) ? value : copy;
}

/** The arguments of a call if they are a JSON object without halves of surrogate pairs; otherwise repaired, or `{}`. */
export function wellFormedArguments(text: string): string {
  const args = objectOf(text);
  if (args === undefined) return "{}";
  const copy = wellFormed(args);
  return copy === args ? text : JSON.stringify(copy);
}

function objectOf(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
