import { describe, expect, it } from "@jest/globals";
import {
  checkAppend,
  checkCall,
  checkList,
  checkOptions,
  checkPlainSave,
  checkRead,
  checkRecent,
  checkSave,
  type RecentOptions,
} from "../src/adapter.ts";

const ID = "user-alice";
const records = [{ a: 1 }, { b: [2] }];

function code(name: string): unknown {
  return expect.objectContaining({ name: "MemoryError", code: name, outcome: "not-applied" });
}

/** Calls with invalid input. A compiler would accept none of these values. */
// biome-ignore lint/suspicious/noExplicitAny: it stands for an untyped caller
type Untyped = any;

describe("valid input passes", () => {
  it("and checks of writes return the records' texts", () => {
    expect(checkSave(ID, records)).toEqual(['{"a":1}', '{"b":[2]}']);
    expect(checkAppend(ID, records)).toEqual(['{"a":1}', '{"b":[2]}']);
    expect(checkSave(ID, [])).toEqual([]);
  });

  it("with every option, and with every option undefined", () => {
    const signal = new AbortController().signal;
    const passes = [
      () => checkCall(ID, { signal }),
      () => checkOptions({ signal }),
      () => checkOptions(),
      () => checkSave(ID, records, { signal, operationId: "turn", expectedRevision: "r" }),
      () => checkSave(ID, records, { signal: undefined, operationId: undefined, expectedRevision: undefined }),
      () => checkSave(ID, records, { expectedRevision: null }),
      () => checkSave(ID, records, { keepOperations: true }),
      () => checkSave(ID, records, { keepOperations: undefined }),
      () => checkPlainSave(ID, records, { keepOperations: false }),
      () => checkAppend(ID, records, { signal, operationId: "turn", expectedRevision: "r", since: "s" }),
      () => checkAppend(ID, records, { since: null, expectedRevision: null }),
      () => checkAppend(ID, records, { since: undefined }),
      () => checkRead(ID, { signal, last: 1, since: "r" }),
      () => checkRead(ID, { last: Number.MAX_SAFE_INTEGER, before: "r" }),
      () => checkRead(ID, { last: undefined, since: undefined, before: undefined }),
      () => checkList({ signal, prefix: "" }),
      () => checkList(),
      () => checkRecent({ limit: 1, prefix: "a", cursor: "c", signal }),
    ];
    for (const pass of passes) expect(pass).not.toThrow();
  });

  it("and options and records do not change", () => {
    const options = Object.freeze({ operationId: "turn", since: null });
    expect(checkAppend(ID, Object.freeze([Object.freeze({ a: 1 })]), options)).toEqual(['{"a":1}']);
  });
});

describe("every method checks its id", () => {
  it.each<[string, (id: Untyped) => unknown]>([
    ["call", (id) => checkCall(id)],
    ["save", (id) => checkSave(id, records)],
    ["append", (id) => checkAppend(id, records)],
    ["read", (id) => checkRead(id)],
  ])("%s", (_name, check) => {
    for (const id of ["", "\ud800", "x".repeat(1_025), undefined, 7])
      expect(() => check(id)).toThrow(code("INVALID_MEMORY_ID"));
  });
});

describe("every method obeys an aborted signal, and refuses an invalid one", () => {
  it.each<[string, (options: Untyped) => unknown]>([
    ["call", (options) => checkCall(ID, options)],
    ["options", (options) => checkOptions(options)],
    ["save", (options) => checkSave(ID, records, options)],
    ["append", (options) => checkAppend(ID, records, options)],
    ["read", (options) => checkRead(ID, options)],
    ["list", (options) => checkList(options)],
    ["recent", (options) => checkRecent({ ...options, limit: 1 })],
  ])("%s", (_name, check) => {
    const reason = new Error("the user left");
    expect(() => check({ signal: AbortSignal.abort(reason) })).toThrow(reason);
    expect(() => check({ signal: AbortSignal.abort() })).toThrow(expect.objectContaining({ name: "AbortError" }));
    for (const signal of ["x", {}, new AbortController()])
      expect(() => check({ signal })).toThrow(code("INVALID_ARGUMENT"));
  });

  it.each<[string, (options: Untyped) => unknown]>([
    ["call", (options) => checkCall(ID, options)],
    ["options", (options) => checkOptions(options)],
    ["save", (options) => checkSave(ID, records, options)],
    ["append", (options) => checkAppend(ID, records, options)],
    ["read", (options) => checkRead(ID, options)],
    ["list", (options) => checkList(options)],
    ["recent", (options) => checkRecent(options)],
  ])("%s refuses invalid options", (_name, check) => {
    for (const options of [null, "x", 7]) expect(() => check(options)).toThrow(code("INVALID_ARGUMENT"));
  });
});

describe("an invalid write is refused", () => {
  it.each<[string, Untyped, string]>([
    ["an operation id with a space", { operationId: "a b" }, "INVALID_ARGUMENT"],
    ["an empty operation id", { operationId: "" }, "INVALID_ARGUMENT"],
    ["an operation id that is null", { operationId: null }, "INVALID_ARGUMENT"],
    ["an empty expected revision", { expectedRevision: "" }, "INVALID_ARGUMENT"],
    ["an expected revision that is a number", { expectedRevision: 7 }, "INVALID_ARGUMENT"],
    ["a keepOperations that is a text", { keepOperations: "yes" }, "INVALID_ARGUMENT"],
    ["a keepOperations that is null", { keepOperations: null }, "INVALID_ARGUMENT"],
  ])("%s", (_name, options, expected) => {
    expect(() => checkSave(ID, records, options)).toThrow(code(expected));
    expect(() => checkAppend(ID, records, options)).toThrow(code(expected));
  });

  it.each<[string, Untyped]>([
    ["empty", { since: "" }],
    ["a number", { since: 0 }],
    ["an object", { since: {} }],
  ])("a since that is %s", (_name, options) => {
    expect(() => checkAppend(ID, records, options)).toThrow(code("INVALID_ARGUMENT"));
  });

  it("no records to append, and records that JSON cannot carry", () => {
    expect(() => checkAppend(ID, [])).toThrow(code("INVALID_RECORD"));
    expect(() => checkAppend(ID, [{ n: Number.NaN }])).toThrow(code("INVALID_RECORD"));
    expect(() => checkSave(ID, [{ n: Number.NaN }])).toThrow(code("INVALID_RECORD"));
    expect(() => checkSave(ID, "records" as Untyped)).toThrow(code("INVALID_RECORD"));
  });
});

describe("a save of a backend without a log", () => {
  it.each([{ expectedRevision: null }, { operationId: "o" }, { keepOperations: true }])(
    "is refused with %p",
    (options) => {
      expect(() => checkPlainSave(ID, records, options)).toThrow(code("NOT_SUPPORTED"));
    },
  );
});

describe("an invalid read is refused", () => {
  it.each<Untyped>([
    { last: 0 },
    { last: -1 },
    { last: 1.5 },
    { last: Number.NaN },
    { last: Number.POSITIVE_INFINITY },
    { last: 2 ** 53 },
    { last: "5" },
    { last: null },
    { last: Object.create(null) },
    { since: "" },
    { since: null },
    { since: 7 },
    { before: "" },
    { before: null },
    { since: "a", before: "b" },
  ])("%p", (options) => {
    expect(() => checkRead(ID, options)).toThrow(code("INVALID_ARGUMENT"));
  });

  it.each<Untyped>([{ prefix: 7 }, { prefix: null }, { prefix: ["a"] }])("list with %p", (options) => {
    expect(() => checkList(options)).toThrow(code("INVALID_ARGUMENT"));
    expect(() => checkRecent({ ...options, limit: 1 })).toThrow(code("INVALID_ARGUMENT"));
  });

  it.each([0, -1, 1.5, "5", null, undefined])("recent with a limit of %p", (limit) => {
    expect(() => checkRecent({ limit } as RecentOptions)).toThrow(code("INVALID_ARGUMENT"));
  });

  it("recent without a limit", () => {
    expect(() => (checkRecent as Untyped)()).toThrow(code("INVALID_ARGUMENT"));
  });
});
