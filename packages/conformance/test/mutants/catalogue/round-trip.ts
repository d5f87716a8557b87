import { MemoryError } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { storing, storingAll, storingKeys, storingNumbers, storingTexts, storingValues } from "../storing.ts";

const MESSAGE_FIELDS = [
  "role",
  "content",
  "toolCalls",
  "toolCallId",
  "name",
  "id",
  "createdAt",
  "n",
  "x",
  "value",
  "text",
];

export const roundTrip: Mutant[] = breaking("what went in comes out equal", {
  "drops the last record": storingAll((records) => records.slice(0, -1)),
  "keeps the newest thousand records": storingAll((records) => records.slice(-1_000)),
  "keeps equal records once": storingAll((records) => [
    ...new Map(records.map((record) => [JSON.stringify(record), record])).values(),
  ]),
  "drops records that are empty": storingAll((records) => records.filter((record) => Object.keys(record).length > 0)),

  // LangGraph's kit does not catch it.
  "cuts texts at 64 KB": storingTexts((text) => text.slice(0, 65_536)),
  "cuts texts at 64 KB less one": storingTexts((text) => text.slice(0, 65_535)),
  "cuts texts at half a megabyte": storingTexts((text) => text.slice(0, 524_288)),
  "trims texts": storingTexts((text) => text.trim()),
  "ends texts at a NUL": storingTexts((text) => text.split("\0")[0] ?? ""),
  "changes the ends of lines": storingTexts((text) => text.replaceAll("\r\n", "\n").replaceAll("\r", "\n")),
  "drops a byte order mark": storingTexts((text) => text.replace(/^\ufeff/, "")),

  // LangGraph's kit does not catch it.
  "reads texts as Latin-1": storingTexts((text) => Buffer.from(text, "latin1").toString("latin1")),
  "decodes texts buffer by buffer": storingTexts((text) =>
    (text.match(/[\s\S]{1,999}/g) ?? []).map((part) => Buffer.from(part).toString()).join(""),
  ),
  "drops characters beyond 16 bits": storingTexts((text) => text.replace(/[\u{10000}-\u{10ffff}]/gu, "")),
  "replaces lone surrogates": storingTexts((text) => text.toWellFormed()),
  "normalises texts": storingTexts((text) => text.normalize("NFC")),

  "keeps numbers in 32 bits": storingNumbers((value) => (Number.isInteger(value) ? value | 0 : value)),
  "keeps numbers as floats of 32 bits": storingNumbers(Math.fround),
  "keeps six places of a number": storingNumbers((value) => Number(value.toFixed(6))),
  "stores large numbers as strings": storingValues((value) =>
    typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER ? String(value) : value,
  ),

  // LangGraph's kit does not catch it.
  "drops fields that are null": storing((record) =>
    Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null)),
  ),
  "stores null in lists as an empty string": storingValues((value) =>
    Array.isArray(value) ? value.map((element: unknown) => element ?? "") : value,
  ),
  "drops fields that it does not know": storing((record) =>
    Object.fromEntries(Object.entries(record).filter(([key]) => MESSAGE_FIELDS.includes(key))),
  ),
  "flattens content to text": storing((record) => {
    const parts = record["content"] as { text?: string }[];
    return Array.isArray(parts) ? { ...record, content: parts.map(({ text }) => text ?? "").join("") } : record;
  }),
  "parses the arguments of tool calls": storingValues((value) => {
    const { arguments: text } = (value ?? {}) as { arguments?: unknown };
    return text === '{"city":"Zürich"}' ? { ...(value as object), arguments: JSON.parse(text) } : value;
  }),

  "revives dates": (honest) => ({
    load: async (...args) => JSON.parse(JSON.stringify(await honest.load(...args)), revived),
  }),
  "revives base64": storingTexts((text) =>
    text.startsWith(":base64:") ? Buffer.from(text.slice(8), "base64").toString() : text,
  ),
  "treats a colon at the beginning as an escape": storingTexts((text) => text.replace(/^:/, "")),
  "parses texts that are JSON": storingValues((value) => (value === "[]" || value === "{}" ? [] : value)),

  "drops keys that begin with a dollar": storingKeys((key) => (key.startsWith("$") ? undefined : key)),
  "cuts keys at a dot": storingKeys((key) => key.split(".")[0]),
  "normalises keys": storingKeys((key) => key.normalize("NFC")),
  "drops empty keys": storingKeys((key) => (key === "" ? undefined : key)),
  "trims keys": storingKeys((key) => key.trim()),

  "cuts records at a depth of a hundred": storing((record) => shallow(record, 100)),
  "escapes texts twice when it appends": (honest, store) => {
    const { append } = storingTexts((text) => JSON.stringify(text).slice(1, -1))(honest, store);
    return { append };
  },
  "returns reads in another encoding": (honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      return (
        snapshot && {
          ...snapshot,
          records: JSON.parse(Buffer.from(JSON.stringify(snapshot.records)).toString("latin1")),
        }
      );
    },
  }),

  "cuts texts at a mebibyte": storingTexts((text) => text.slice(0, 1_048_576)),
  "cuts texts at two mebibytes": storingTexts((text) => text.slice(0, 2_097_152)),
  "cuts texts at sixteen mebibytes": storingTexts((text) => text.slice(0, 16_777_216)),
  "has four methods, and cuts texts at a mebibyte": onFourMethods(storingTexts((text) => text.slice(0, 1_048_576))),
  "cuts the last text of a memory of four mebibytes": storingAll((records) => {
    const size = JSON.stringify(records, (_key, value) => (typeof value === "bigint" ? "" : value))?.length ?? 0;
    return size < 4_194_304 ? records : [...records.slice(0, -1), {}];
  }),
  "keeps the newest ten thousand records": storingAll((records) => records.slice(-10_000)),
  "counts records with 16 bits": storingAll((records) => records.slice(0, 65_535)),
  "drops lists that are empty": storingFields((value) => !(Array.isArray(value) && value.length === 0)),
  "drops empty lists of tool calls": storing(({ toolCalls, ...record }) =>
    Array.isArray(toolCalls) && toolCalls.length === 0
      ? record
      : { ...record, ...(toolCalls !== undefined && { toolCalls }) },
  ),
  "drops metadata that is empty": storing(({ metadata, ...record }) =>
    JSON.stringify(metadata) === "{}" ? record : { ...record, ...(metadata !== undefined && { metadata }) },
  ),
  "drops objects that are empty": storingFields((value) => JSON.stringify(value) !== "{}"),
  "drops fields that are false": storingFields((value) => value !== false),
  "drops fields that are 0": storingFields((value) => value !== 0),
  "drops fields that are empty texts": storingFields((value) => value !== ""),
  "stores booleans as 0 and 1": storingValues((value) => (typeof value === "boolean" ? Number(value) : value)),
  "cuts records at a depth of five hundred": storing((record) => shallow(record, 500)),
  "keeps the first thousand keys of an object": storing((record) =>
    mapped(record, (value) => Object.fromEntries(Object.entries(value).slice(0, 1_000))),
  ),
  "keeps the first thousand elements of a list": storingValues((value) =>
    Array.isArray(value) ? value.slice(0, 1_000) : value,
  ),
  "cuts keys at 65,535 characters": storingKeys((key) => key.slice(0, 65_535)),
  "drops keys that are called toJSON": storingKeys((key) => (key === "toJSON" ? undefined : key)),
  "keeps sixteen digits of a number": storingNumbers((value) => Number(value.toPrecision(16))),
  "refuses -0": storingNumbers((value) => {
    if (Object.is(value, -0)) throw new MemoryError("INVALID_RECORD", "A number is -0.");
    return value;
  }),
  "refuses objects without a prototype": storingValues((value) => {
    if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null)
      throw new MemoryError("INVALID_RECORD", "An object has no prototype.");
    return value;
  }),
  "refuses objects of another realm": storing((record) => {
    if (Object.getPrototypeOf(record) !== null && !(record instanceof Object))
      throw new MemoryError("INVALID_RECORD", "An object is not an object.");
    return record;
  }),
  "drops the newest record of an older page": (honest) => ({
    async read(id, options) {
      const page = await honest.read(id, options);
      return page && options?.before !== undefined ? { ...page, records: page.records.slice(0, -1) } : page;
    },
  }),
  "drops empty lists from what is new": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      if (snapshot === null || options?.since === undefined) return snapshot;
      return { ...snapshot, records: snapshot.records.map(({ toolCalls: _, ...record }) => record) };
    },
  }),
});

function revived(_key: string, value: unknown): unknown {
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT.*Z$/.test(value) ? new Date(value) : value;
}

/** Replaces values below that depth by null. */
function shallow<V>(value: V, depth: number): V {
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) return null as V;
  const entries = Object.entries(value).map(([key, property]) => [key, shallow<unknown>(property, depth - 1)] as const);
  return (Array.isArray(value) ? entries.map(([, property]) => property) : Object.fromEntries(entries)) as V;
}

/** Drops the fields of objects, at any depth, whose value is not kept. */
function storingFields(isKept: (value: unknown) => boolean): Mutation {
  return storing((record) =>
    mapped(record, (value) => Object.fromEntries(Object.entries(value).filter(([, property]) => isKept(property)))),
  );
}

/** Changes each plain object within a record, from the innermost. */
function mapped(record: KitRecord, change: (value: KitRecord) => KitRecord): KitRecord {
  const changed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(changed);
    if (typeof value !== "object" || value === null) return value;
    return change(Object.fromEntries(Object.entries(value).map(([key, property]) => [key, changed(property)])));
  };
  return changed(record) as KitRecord;
}
