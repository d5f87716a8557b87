import { MemoryError } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { storing, storingAll, storingKeys, storingValues } from "../storing.ts";

export const refusal: Mutant[] = breaking("a record that JSON cannot represent is rejected, and nothing is written", {
  "stores a Date as its text": storingValues((value) => (value instanceof Date ? value.toISOString() : value)),
  "stores NaN and Infinity as null": storingValues((value) =>
    typeof value === "number" && !Number.isFinite(value) ? null : value,
  ),
  "stores a bigint as its digits": storingValues((value) => (typeof value === "bigint" ? String(value) : value)),
  "stores a Map as an empty object": storingValues((value) => (value instanceof Map ? {} : value)),
  "stores a Set as a list": storingValues((value) => (value instanceof Set ? [...value] : value)),
  "stores binary data as a list": storingValues((value) => (value instanceof Uint8Array ? [...value] : value)),
  "stores undefined in a list as null": storingValues((value) =>
    Array.isArray(value) ? Array.from(value, (element: unknown) => element ?? null) : value,
  ),
  "drops functions": storingValues((value) => (typeof value === "function" ? undefined : value)),
  "drops symbols": storingValues((value) => (typeof value === "symbol" ? undefined : value)),
  "drops __proto__ keys": storingKeys((key) => (key === "__proto__" ? undefined : key)),

  "accepts a string as a record": storing((record: KitRecord | string) =>
    typeof record === "string" ? { text: record } : record,
  ),
  "drops records that are null": storingAll((records) =>
    Array.isArray(records) ? records.filter((record) => record !== null) : records,
  ),
  "accepts a list as a record": storing((record) => (Array.isArray(record) ? { ...record } : record)),
  "ignores records that are not an array": storingAll((records) => (Array.isArray(records) ? records : [])),
  "refuses a property that is undefined": storing((record) => {
    if (!Object.values(record ?? {}).includes(undefined)) return record;
    throw new MemoryError("INVALID_RECORD", "A property is undefined.");
  }),
  "keeps a property that is undefined as null": storing((record) =>
    record !== null && Object.hasOwn(record, "gone") ? { ...record, gone: null } : record,
  ),

  "refuses a bigint with the error of JSON.stringify": storing((record) => {
    if (typeof record?.["n"] === "bigint") JSON.stringify(record);
    return record;
  }),
  "saves the records before an invalid one": (honest) => ({
    async save(id, records, options) {
      if (Array.isArray(records)) await honest.save(id, records.slice(0, 1));
      await honest.save(id, records, options);
    },
  }),
  "appends the records before an invalid one": (honest) => ({
    async append(id, records, options) {
      for (const record of records.slice(0, -1)) await honest.append(id, [record], options);
      return honest.append(id, records.slice(-1), options);
    },
  }),
  "creates the memory before it checks the records": (honest) => ({
    async save(id, records, options) {
      if ((await honest.load(id)) === null) await honest.save(id, []);
      await honest.save(id, records, options);
    },
  }),
  "deletes the old log before it checks the new one": (honest) => ({
    async save(id, records, options) {
      await honest.delete(id);
      await honest.save(id, records, options);
    },
  }),

  "stores an instance of a class as a plain object": storingObjects((value) =>
    value.constructor?.name === "Place" ? { ...value } : value,
  ),
  "stores an error as its message": storingObjects((value) => (value instanceof Error ? value.message : value)),
  "stores a regular expression as its source": storingObjects((value) =>
    value instanceof RegExp ? value.source : value,
  ),
  "stores a URL as its text": storingObjects((value) => (value instanceof URL ? value.href : value)),
  "unwraps string and number objects": storingObjects((value) =>
    value instanceof String || value instanceof Number ? value.valueOf() : value,
  ),
  "stores a promise as an empty object": storingObjects((value) => (value instanceof Promise ? {} : value)),
  "stores an ArrayBuffer as an empty object": storingObjects((value) => (value instanceof ArrayBuffer ? {} : value)),
  "calls toJSON": storing((record) => called(record)),
  "drops symbols as keys": storingObjects((value) =>
    Object.getOwnPropertySymbols(value).length > 0 ? Object.fromEntries(Object.entries(value)) : value,
  ),
  "drops named properties of lists": storingValues((value) => (Array.isArray(value) ? [...value] : value)),
  "drops what is nested too deep": storing((record) => (depthOf(record) > 1_000 ? { e: "too deep" } : record)),
  "checks the first hundred records only": storingAll((records) =>
    Array.isArray(records) ? records.map((record, index) => (index < 100 ? record : sanitized(record))) : records,
  ),
  "checks the fields of a record only, and not what is in them": storing((record) =>
    typeof record === "object" && record !== null && !Array.isArray(record)
      ? Object.fromEntries(
          Object.entries(record).map(([key, value]) => [key, Array.isArray(value) && "a" in record ? [] : value]),
        )
      : record,
  ),
  "cuts a record that is too large": storing((record) =>
    typeof record?.["text"] === "string" ? { ...record, text: record["text"].slice(0, 60_000_000) } : record,
  ),
  "refuses a record that is too large as invalid": storing((record) => {
    if (typeof record?.["text"] === "string" && record["text"].length > 60_000_000)
      throw new MemoryError("INVALID_RECORD", "A record is too large.");
    return record;
  }),
  "refuses a record that is too large for now": storing((record) => {
    if (typeof record?.["text"] === "string" && record["text"].length > 60_000_000)
      throw new MemoryError("RECORD_TOO_LARGE", "A record is too large.", { retryable: true });
    return record;
  }),
  "counts a rejected save as a write": (honest) => ({
    async save(id, records, options) {
      try {
        await honest.save(id, records, options);
      } catch (error) {
        const before = await honest.load(id);
        if (before !== null) await honest.save(id, before);
        throw error;
      }
    },
  }),
  "remembers the operation of a rejected append": (honest) => {
    const rejected = new Set<string>();
    return {
      async append(id, records, options) {
        const operation = options?.operationId;
        if (operation !== undefined && rejected.has(operation)) return (await honest.read(id))?.revision ?? "";
        try {
          return await honest.append(id, records, options);
        } catch (error) {
          if (operation !== undefined) rejected.add(operation);
          throw error;
        }
      },
    };
  },
  "has four methods, and stores NaN as null": onFourMethods(
    storingValues((value) => (Number.isNaN(value) ? null : value)),
  ),
});

/** Changes the objects in records that JSON cannot represent, at any depth. */
function storingObjects(change: (value: object) => unknown): Mutation {
  return (honest, store) => {
    const { save, append } = storingValues((value) =>
      typeof value === "object" && value !== null && !Array.isArray(value) ? change(value) : value,
    )(honest, store);
    return { save, append };
  };
}

/** The record with the answers of its `toJSON` methods in their place. */
function called<V>(value: V): V {
  const { toJSON } = Object(value) as { toJSON?: unknown };
  if (typeof toJSON === "function") return Reflect.apply(toJSON, value, []) as V;
  if (typeof value !== "object" || value === null || !("money" in value)) return value;
  return { ...value, money: called(value.money) };
}

/** How deep a record is nested along its first properties. */
function depthOf(record: unknown): number {
  let depth = 0;
  for (let value = record; typeof value === "object" && value !== null && depth < 2_000; depth++)
    value = Object.values(value)[0];
  return depth === 2_000 ? 0 : depth; // 2,000: a cycle
}

/** A record without what JSON cannot represent. */
function sanitized(record: KitRecord): KitRecord {
  const text = JSON.stringify(record, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  return JSON.parse(text) as KitRecord;
}
