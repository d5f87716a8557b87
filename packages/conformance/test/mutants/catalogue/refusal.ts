import { MemoryError } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant } from "../mutant.ts";
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
});
