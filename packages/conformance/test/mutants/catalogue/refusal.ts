import { MemoryError } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant } from "../mutant.ts";
import { storing, storingAll, storingKeys, storingValues } from "../storing.ts";

export const refusal: Mutant[] = breaking("what JSON does not carry is refused, and nothing is written", {
  "takes a Date for its text": storingValues((value) => (value instanceof Date ? value.toISOString() : value)),
  "takes NaN and Infinity for null": storingValues((value) =>
    typeof value === "number" && !Number.isFinite(value) ? null : value,
  ),
  "takes a bigint for its digits": storingValues((value) => (typeof value === "bigint" ? String(value) : value)),
  "takes a Map for an empty object": storingValues((value) => (value instanceof Map ? {} : value)),
  "takes a Set for a list": storingValues((value) => (value instanceof Set ? [...value] : value)),
  "takes binary data for a list": storingValues((value) => (value instanceof Uint8Array ? [...value] : value)),
  "takes undefined in a list for null": storingValues((value) =>
    Array.isArray(value) ? Array.from(value, (element: unknown) => element ?? null) : value,
  ),
  "drops functions": storingValues((value) => (typeof value === "function" ? undefined : value)),
  "drops symbols": storingValues((value) => (typeof value === "symbol" ? undefined : value)),
  "drops __proto__ keys": storingKeys((key) => (key === "__proto__" ? undefined : key)),

  "takes a text for a record": storing((record: KitRecord | string) =>
    typeof record === "string" ? { text: record } : record,
  ),
  "drops records that are null": storingAll((records) =>
    Array.isArray(records) ? records.filter((record) => record !== null) : records,
  ),
  "takes a list for a record": storing((record) => (Array.isArray(record) ? { ...record } : record)),
  "takes records that are no array for none": storingAll((records) => (Array.isArray(records) ? records : [])),
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
  "saves what is before the one that it refuses": (honest) => ({
    async save(id, records, options) {
      if (Array.isArray(records)) await honest.save(id, records.slice(0, 1));
      await honest.save(id, records, options);
    },
  }),
  "appends up to the one that it refuses": (honest) => ({
    async append(id, records, options) {
      for (const record of records.slice(0, -1)) await honest.append(id, [record], options);
      return honest.append(id, records.slice(-1), options);
    },
  }),
  "makes the memory before it looks at the records": (honest) => ({
    async save(id, records, options) {
      if ((await honest.load(id)) === null) await honest.save(id, []);
      await honest.save(id, records, options);
    },
  }),
  "deletes the old log before it looks at the new one": (honest) => ({
    async save(id, records, options) {
      await honest.delete(id);
      await honest.save(id, records, options);
    },
  }),
});
