import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { decodeEntry, encodeEntry, encodeRecords, entryPrefix, newId } from "../src/adapter.ts";
import { MemoryError } from "../src/index.ts";

const operationId = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const at = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const record = fc.dictionary(
  fc.string().filter((key) => key !== "__proto__"),
  fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__")),
  { noNullPrototype: true },
);

function corruptionOf(text: string): MemoryError {
  try {
    decodeEntry(text, 'entry 7 of memory "alice"');
  } catch (error) {
    if (MemoryError.is(error, "CORRUPT")) return error;
    throw error;
  }
  throw new Error("The text was taken for an entry.");
}

describe("an entry comes back from its text", () => {
  it("for any records", () => {
    fc.assert(
      fc.property(operationId, at, fc.array(record), (id, time, records) => {
        const texts = encodeRecords("m", records);
        expect(decodeEntry(encodeEntry(id, time, texts), "")).toEqual({
          operationId: id,
          at: time,
          records: texts.map((text) => JSON.parse(text)),
        });
      }),
    );
  });

  it("in the format that every store writes", () => {
    expect(encodeEntry("turn-1", 1_700_000_000_000_123, ['{"a":1}', '{"b":"ü"}'])).toBe(
      '{"t":"turn-1","at":1700000000000123,"r":[{"a":1},{"b":"ü"}]}',
    );
  });

  it("written with more fields than today's", () => {
    expect(decodeEntry('{"t":"x","at":1,"z":0,"r":[{}]}', "")).toEqual({ operationId: "x", at: 1, records: [{}] });
  });
});

describe("an operation is found by the beginning of its entry's text", () => {
  it("and no other operation is, even if its id begins the same", () => {
    fc.assert(
      fc.property(operationId, operationId, fc.boolean(), at, (id, other, longer, time) => {
        const second = longer ? `${id}${other}`.slice(0, 64) : other;
        expect(encodeEntry(id, time, ["{}"]).startsWith(entryPrefix(id))).toBe(true);
        expect(encodeEntry(second, time, ["{}"]).startsWith(entryPrefix(id))).toBe(second === id);
      }),
    );
  });

  it("for the ids of newId", () => {
    const ids = Array.from({ length: 100 }, newId);
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});

describe("text that is not an entry is CORRUPT, and is not quoted", () => {
  const said = "what the user said";

  it.each([
    "",
    "null",
    "7",
    "[]",
    "{}",
    `{"t":"x","at":1,"r":[{"content":"${said}"}`,
    `{"t":"x","at":1,"r":{"content":"${said}"}}`,
    `{"t":"x","at":1,"r":["${said}"]}`,
    `{"t":"x","at":1,"r":[["${said}"]]}`,
    `{"t":"x","at":1,"r":[null,"${said}"]}`,
    `{"t":7,"at":1,"r":[{"content":"${said}"}]}`,
    `{"at":1,"r":[{"content":"${said}"}]}`,
    `{"t":"x","r":[{"content":"${said}"}]}`,
    `{"t":"x","at":1.5,"r":[{"content":"${said}"}]}`,
    `{"t":"x","at":"1","r":[{"content":"${said}"}]}`,
    `{"t":"x","at":1e300,"r":[{"content":"${said}"}]}`,
    `{"t":"x","at":1,"r":[{"__proto__":{"content":"${said}"}}]}`,
    `{"t":"x","at":1,"r":[{"content":"${said}"}]} x`,
  ])("%s", (text) => {
    const error = corruptionOf(text);
    expect(error.message).toContain('Cannot read entry 7 of memory "alice"');
    expect(error.cause).toBeUndefined();
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(said);
  });

  it("an entry that is cut at any place", () => {
    const text = encodeEntry("turn", 1_700_000_000_000_000, ['{"a":"\\u00e9"}', '{"b":[1,{}]}']);
    for (let length = 0; length < text.length; length++)
      expect(corruptionOf(text.slice(0, length)).code).toBe("CORRUPT");
  });
});
