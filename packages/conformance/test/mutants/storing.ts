import type { KitRecord } from "../../src/kit-records.ts";
import type { Mutation } from "./mutant.ts";

const MAX_DEPTH = 500;

/** Changes every record before it is stored. */
export function storing(change: (record: KitRecord) => KitRecord): Mutation {
  return storingAll((records) => (Array.isArray(records) ? records.map(change) : records));
}

/** Changes all records of a call together before they are stored. */
export function storingAll(change: (records: readonly KitRecord[]) => readonly KitRecord[]): Mutation {
  return (honest) => ({
    save: async (id, records, options) => honest.save(id, change(records), options),
    append: async (id, records, options) => honest.append(id, change(records), options),
  });
}

/** Changes the values in records, at any depth, before they are stored. Objects that are not plain stay as they are. */
export function storingValues(change: (value: unknown) => unknown): Mutation {
  const changed = (value: unknown, depth: number): unknown => {
    const other = change(value);
    // A cyclic record has no end.
    if (depth === MAX_DEPTH) return other;
    if (Array.isArray(other)) return other.map((element) => changed(element, depth + 1));
    if (!isPlainObject(other)) return other;
    return Object.fromEntries(Object.entries(other).map(([key, property]) => [key, changed(property, depth + 1)]));
  };
  return storing((record) => changed(record, 0) as KitRecord);
}

/** Changes the strings in records before they are stored. */
export function storingTexts(change: (text: string) => string): Mutation {
  return storingValues((value) => (typeof value === "string" ? change(value) : value));
}

/** Changes the numbers in records before they are stored. */
export function storingNumbers(change: (value: number) => number): Mutation {
  return storingValues((value) => (typeof value === "number" ? change(value) : value));
}

/** Changes the keys in records before they are stored; `undefined` drops a key. */
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
