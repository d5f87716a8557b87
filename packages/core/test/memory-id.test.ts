import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { checkMemoryId, checkOperationId, MAX_MEMORY_ID_BYTES, quoteId } from "../src/adapter.ts";
import { MemoryError } from "../src/index.ts";

const invalid = expect.objectContaining({ code: "INVALID_MEMORY_ID", outcome: "not-applied" });

describe("any non-empty well-formed string of at most 1,024 bytes is a memory id", () => {
  it.each([
    "user-alice",
    "../../etc/passwd",
    "a/b",
    ".",
    "..",
    "CON",
    "Alice",
    " ",
    "\n",
    "\0",
    "a*",
    "app[1]:",
    "🙂",
    "日本語",
    "__proto__",
    "e\u0301",
    "x".repeat(1_024),
    "é".repeat(512),
    "🙂".repeat(256),
    "\ufeff",
  ])("%j", (id) => {
    expect(() => checkMemoryId(id)).not.toThrow();
  });

  it("and nothing else is", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 2_000 }), (units) => {
        const id = units.map((unit) => String.fromCharCode(unit)).join("");
        const bytes = new TextEncoder().encode(id);
        const wellFormed = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) === id;
        const valid = id !== "" && wellFormed && bytes.length <= 1_024;
        let refused = false;
        try {
          checkMemoryId(id);
        } catch (error) {
          refused = MemoryError.is(error, "INVALID_MEMORY_ID");
        }
        expect(refused).toBe(!valid);
      }),
    );
  });

  it.each<[unknown, string]>([
    ["", "must not be empty"],
    ["\ud800", "must not hold lone surrogates"],
    ["a\udc00b", "must not hold lone surrogates"],
    ["x".repeat(1_025), "must not be longer than 1024 bytes (this one has 1025)"],
    ["é".repeat(513), "must not be longer than 1024 bytes (this one has 1026)"],
    [undefined, "must be a string, not undefined"],
    [null, "must be a string, not null"],
    [7, "must be a string, not number"],
    [{}, "must be a string, not object"],
    [new String("a"), "must be a string, not object"],
  ])("not %p, and the message says why", (id, problem) => {
    expect(() => checkMemoryId(id)).toThrow(invalid);
    expect(() => checkMemoryId(id)).toThrow(problem);
    expect(MAX_MEMORY_ID_BYTES).toBe(1_024);
  });
});

describe("an id in a message is quoted, on one line, and cut", () => {
  it("with any characters", () => {
    expect(quoteId("alice")).toBe('"alice"');
    expect(quoteId('a"\n\u001b[31m')).toBe('"a\\"\\n\\u001b[31m"');
    expect(quoteId("x".repeat(1_024))).toBe(`"${"x".repeat(80)}…"`);
  });
});

describe("an operation id is 1 to 64 letters, digits, - and _", () => {
  it.each(["a", "A-z_09", "x".repeat(64)])("%j", (id) => {
    expect(() => checkOperationId(id)).not.toThrow();
  });

  it.each(["", "a b", "a\n", "é", '"', "x".repeat(65), undefined, null, 7, ["a"]])("not %j", (id) => {
    expect(() => checkOperationId(id)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
