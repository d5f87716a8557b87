import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { encodeRecords, parseJson } from "../src/adapter.ts";
import { cloneJson, MAX_RECORD_BYTES } from "../src/adapter-kit/records.ts";
import { MemoryError } from "../src/index.ts";

const ID = "user-alice";

function refusalOf(record: unknown): MemoryError {
  try {
    // The compiler refuses these values too.
    encodeRecords(ID, [{ fine: true }, record as object]);
  } catch (error) {
    if (MemoryError.is(error, "INVALID_RECORD")) return error;
    throw error;
  }
  throw new Error("Nothing was refused.");
}

const key = fc.string({ unit: "binary" }).filter((name) => name !== "__proto__");
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.integer(),
    fc.string({ unit: "binary" }),
    // With lone surrogates too.
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.array(tie("value")),
    fc.dictionary(key, tie("value"), { noNullPrototype: false }),
  ),
})).value;
const record = fc.dictionary(key, value, { noNullPrototype: false });

describe("records that JSON can carry come back equal", () => {
  it("for any record", () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const texts = encodeRecords(ID, records);
        expect(texts.map(parseJson)).toEqual(records.map((one) => structuredClone(one)));
      }),
    );
  });

  it("with the keys in their order, and an undefined property as absent", () => {
    expect(encodeRecords(ID, [{ b: 1, a: undefined, "": null, c: [{}] }])).toEqual(['{"b":1,"":null,"c":[{}]}']);
  });

  it("-0 as 0", () => {
    expect(encodeRecords(ID, [{ n: -0 }])).toEqual(['{"n":0}']);
  });

  it("for objects of another realm, and objects without a prototype", () => {
    expect(encodeRecords(ID, [runInNewContext("({ a: [{ b: 1 }] })")])).toEqual(['{"a":[{"b":1}]}']);
    expect(encodeRecords(ID, [Object.assign(Object.create(null), { a: 1 })])).toEqual(['{"a":1}']);
  });

  it("for the same object in two places, which is not a cycle", () => {
    const shared = { text: "x" };
    expect(encodeRecords(ID, [{ a: shared, b: [shared, shared] }])).toEqual([
      '{"a":{"text":"x"},"b":[{"text":"x"},{"text":"x"}]}',
    ]);
  });

  it("for a thousand levels", () => {
    let deep: object = {};
    for (let level = 1; level < 1_000; level++) deep = { deep };
    const [text = ""] = encodeRecords(ID, [deep]);
    expect(parseJson(text)).toEqual(deep);
  });

  it("for keys that only look dangerous", () => {
    const odd = { constructor: 1, prototype: 2, hasOwnProperty: 3, toJSON: "text", __proto: 4 };
    expect(encodeRecords(ID, [odd]).map(parseJson)).toEqual([odd]);
  });
});

describe("values that JSON cannot carry are refused, and the error names the place", () => {
  class Person {
    name = "Alice";
  }
  const cyclic: { self?: object } = {};
  cyclic.self = cyclic;

  it.each<[string, unknown, string]>([
    ["a bigint", { n: 1n }, "record 1.n is a bigint"],
    ["NaN", { list: [0, Number.NaN] }, "record 1.list[1] is NaN"],
    ["Infinity", { n: Number.POSITIVE_INFINITY }, "record 1.n is Infinity"],
    ["-Infinity", { n: Number.NEGATIVE_INFINITY }, "record 1.n is -Infinity"],
    ["a function", { run: () => 1 }, "record 1.run is a function"],
    ["a symbol", { s: Symbol("s") }, "record 1.s is a symbol"],
    ["undefined in an array", { list: [undefined] }, "record 1.list[0] is undefined"],
    ["a hole in an array", { list: Array(2) }, "record 1.list has holes or named properties"],
    [
      "a named property of an array",
      { list: Object.assign([1], { x: 1 }) },
      "record 1.list has holes or named properties",
    ],
    ["a symbol key", { o: { [Symbol("s")]: 1 } }, "record 1.o has a symbol key"],
    ["a symbol key of an array", { list: Object.assign([1], { [Symbol("s")]: 1 }) }, "record 1.list has a symbol key"],
    ["a Date", { at: new Date() }, "record 1.at has a toJSON method"],
    ["a Buffer", { bytes: Buffer.from("x") }, "record 1.bytes has a toJSON method"],
    ["a Uint8Array", { bytes: new Uint8Array(2) }, "record 1.bytes is not a plain object (Uint8Array)"],
    ["an ArrayBuffer", { bytes: new ArrayBuffer(2) }, "record 1.bytes is not a plain object (ArrayBuffer)"],
    ["a Map", { map: new Map() }, "record 1.map is not a plain object (Map)"],
    ["a Set", { set: new Set() }, "record 1.set is not a plain object (Set)"],
    ["a RegExp", { pattern: /x/ }, "record 1.pattern is not a plain object (RegExp)"],
    ["an Error", { error: new Error("x") }, "record 1.error is not a plain object (Error)"],
    ["a promise", { later: Promise.resolve() }, "record 1.later is not a plain object (Promise)"],
    ["a boxed string", { text: Object("x") }, "record 1.text is not a plain object (String)"],
    ["an instance of a class", { who: new Person() }, "record 1.who is not a plain object (Person)"],
    ["an object that inherits data", { o: Object.create({ inherited: 1 }) }, "record 1.o is not a plain object"],
    ["a toJSON method", { o: { toJSON: () => 1 } }, "record 1.o has a toJSON method"],
    ["a cycle", cyclic, "is cyclic or nested deeper than 1000 levels"],
    ["a __proto__ key", JSON.parse('{"o":{"__proto__":{"admin":true}}}'), "record 1.o has a __proto__ key"],
    ["a __proto__ key of the record itself", JSON.parse('{"__proto__":1}'), "record 1 has a __proto__ key"],
    ["a record that is an array", [], "record 1 is not an object"],
    ["a record that is null", null, "record 1 is not an object"],
    ["a record that is text", "hello", "record 1 is not an object"],
    ["a record that is a Map", new Map(), "record 1 is not a plain object (Map)"],
  ])("%s", (_name, bad, problem) => {
    const error = refusalOf(bad);
    expect(error.message).toContain(problem);
    expect(error.message).toContain('Nothing was written to memory "user-alice"');
    expect(error).toMatchObject({ outcome: "not-applied", memoryId: ID });
  });

  it.each([undefined, null, "text", { length: 0 }, new Set()])("records that are not an array: %p", (records) => {
    expect(() => encodeRecords(ID, records as unknown as object[])).toThrow("the records are not an array");
  });

  it("a thousand and one levels", () => {
    let deep: object = {};
    for (let level = 1; level <= 1_000; level++) deep = { deep };
    expect(refusalOf(deep).message).toContain("nested deeper than 1000 levels");
  });

  it("in a message with only the beginning of a long path", () => {
    expect(refusalOf({ ["k".repeat(10_000)]: Number.NaN }).message.length).toBeLessThan(300);
  });

  it("at any place in a record", () => {
    const bad = fc.constantFrom<unknown>(
      1n,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      () => 1,
      Symbol("s"),
      new Date(),
      new Map(),
      new Uint8Array(1),
    );
    const path = fc.array(fc.oneof(key, fc.nat(3)), { maxLength: 8 });
    fc.assert(
      fc.property(bad, key, path, (hidden, last, steps) => {
        let holder: unknown = { [last]: hidden };
        for (const step of steps)
          holder = typeof step === "number" ? [...Array(step).fill(0), holder] : { [step]: holder };
        expect(refusalOf({ holder }).code).toBe("INVALID_RECORD");
      }),
    );
  });

  it("and a record that is too long for a string is too large", () => {
    const megabyte = "x".repeat(2 ** 20);
    const write = () => encodeRecords(ID, [{ parts: Array(513).fill(megabyte) }]);
    expect(write).toThrow(expect.objectContaining({ code: "RECORD_TOO_LARGE", outcome: "not-applied", memoryId: ID }));
  });

  it("more than 64 MiB are refused, counted in bytes", () => {
    const frame = Buffer.byteLength(JSON.stringify({ text: "" }));
    const fits = "é".repeat((MAX_RECORD_BYTES - frame) / 2);
    expect(encodeRecords(ID, [{ text: fits }])).toHaveLength(1);
    const write = (): unknown => encodeRecords(ID, [{ text: `${fits}é` }]);
    expect(write).toThrow(expect.objectContaining({ code: "RECORD_TOO_LARGE", outcome: "not-applied", memoryId: ID }));
    expect(write).toThrow(/record 0 is longer than 67108864 bytes/);
  });
});

describe("stored text with a __proto__ key is refused", () => {
  it.each([
    '{"__proto__":{"admin":true}}',
    '{"a":[{"b":{"__proto__":1}}]}',
    '{"\\u005f_proto__":1}',
    '{"\\u005F\\u005Fproto\\u005F\\u005F":1}',
    '{"_\\u005fpr\\u006fto__":{"x":1}}',
    '[[{"__proto__":null}]]',
  ])("%s", (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it("with any escapes in the key, and at any place", () => {
    const escapedName = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 9, maxLength: 9 }).map((choices) =>
      [..."__proto__"]
        .map((letter, index) => {
          const code = `\\u00${letter.charCodeAt(0).toString(16)}`;
          return [letter, code, code.replace(/[a-f]+$/, (hex) => hex.toUpperCase())][choices[index] ?? 0];
        })
        .join(""),
    );
    fc.assert(
      fc.property(escapedName, fc.array(fc.constantFrom("[", "{")), (name, around) => {
        let text = `{"${name}":1}`;
        for (const bracket of around) text = bracket === "[" ? `[0,${text}]` : `{"a":${text}}`;
        expect(() => parseJson(text)).toThrow(/__proto__/);
      }),
    );
  });

  it("but not a value that contains __proto__ or an escape", () => {
    const said = { content: 'What is "__proto__"?', control: "\u0001\u001f" };
    expect(parseJson(JSON.stringify(said))).toEqual(said);
  });

  it("nor a name that only contains it", () => {
    expect(parseJson('{"x__proto__":1,"__proto__x":2}')).toEqual({ x__proto__: 1, __proto__x: 2 });
  });

  it("and text that is not JSON is a SyntaxError", () => {
    for (const text of ["", "{", '{"a":1}{"b":2}', "undefined", "{'a':1}"])
      expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});

describe("a copy", () => {
  it("equals the copy of structuredClone, and shares nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = cloneJson(value);
        expect(copy).toEqual(structuredClone(value));
        expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
      }),
    );
    const inner = { a: [{ b: 1 }] };
    const copy = cloneJson(inner);
    copy.a[0] = { b: 2 };
    expect(inner).toEqual({ a: [{ b: 1 }] });
  });

  it("keeps values that a foreign store may have, and treats no name specially", () => {
    const at = new Date(0);
    expect(cloneJson({ at, gone: undefined })).toEqual({ at, gone: undefined });
    const named = JSON.parse('{"__proto__":{"evil":true}}') as object;
    expect(Object.getPrototypeOf(cloneJson(named))).toBe(Object.prototype);
    expect(Object.keys(cloneJson(named))).toEqual(["__proto__"]);
  });
});
