import type { KitRecord } from "../../src/kit-records.ts";
import type { Mutation } from "./mutant.ts";

const MAX_DEPTH = 500;

/** Stores other records than it is given. */
export function storing(change: (record: KitRecord) => KitRecord): Mutation {
  return storingAll((records) => (Array.isArray(records) ? records.map(change) : records));
}

/** The same, for all the records of a call together. */
export function storingAll(change: (records: readonly KitRecord[]) => readonly KitRecord[]): Mutation {
  return (honest) => ({
    save: async (id, records, options) => honest.save(id, change(records), options),
    append: async (id, records, options) => honest.append(id, change(records), options),
  });
}

/** Stores other values than it is given, in whatever depth. What is no plain value is left as it is. */
export function storingValues(change: (value: unknown) => unknown): Mutation {
  const changed = (value: unknown, depth: number): unknown => {
    const other = change(value);
    // What refers to itself has no end.
    if (depth === MAX_DEPTH) return other;
    if (Array.isArray(other)) return other.map((element) => changed(element, depth + 1));
    if (!isPlainObject(other)) return other;
    return Object.fromEntries(Object.entries(other).map(([key, property]) => [key, changed(property, depth + 1)]));
  };
  return storing((record) => changed(record, 0) as KitRecord);
}

/** Stores other texts than it is given. */
export function storingTexts(change: (text: string) => string): Mutation {
  return storingValues((value) => (typeof value === "string" ? change(value) : value));
}

/** Stores other numbers than it is given. */
export function storingNumbers(change: (value: number) => number): Mutation {
  return storingValues((value) => (typeof value === "number" ? change(value) : value));
}

/** Stores under other keys than it is given; `undefined`: not at all. */
export function storingKeys(change: (key: string) => string | undefined): Mutation {
  return storingValues((value) => {
    if (!isPlainObject(value)) return value;
    const entries = Object.entries(value).map(([key, property]) => [change(key), property] as const);
    return Object.fromEntries(entries.filter(([key]) => key !== undefined));
  });
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
