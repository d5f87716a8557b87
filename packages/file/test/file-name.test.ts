import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { decodeId, encodeId, fileName, isTemporaryOf, parseFileName, temporaryName } from "../src/file-name.ts";
import { quarantinedLogOf } from "../src/quarantine.ts";

const LARGEST_GENERATION = 999_999_999_999_999;
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Ids of every kind, above all similar ones. */
const ids = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 300 }),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
    fc.string({
      unit: fc.constantFrom("a", "A", "%", "4", "1", "~", ".", "/", " ", "é", "\n"),
      minLength: 1,
      maxLength: 8,
    }),
    fc.constantFrom("con", "CON", "Con", "con.txt", "nul", "com1", "lpt9", "aux", "prn", ".", "..", "%63on", "con "),
    fc.string({ unit: fc.constantFrom("x", "y", "語"), minLength: 150, maxLength: 340 }),
  )
  .filter((id) => id.isWellFormed() && Buffer.byteLength(id) <= 1024);

describe("a memory's file has a name that every file system accepts", () => {
  it("of portable characters, not a device's, without a dot or space at its end, and not too long", () => {
    fc.assert(
      fc.property(ids, (id) => {
        const name = fileName(encodeId(id), LARGEST_GENERATION);
        expect(name).toMatch(/^[a-z0-9_%~-]+\.\d+\.jsonl$/);
        expect(name).not.toMatch(device);
        expect(name.length).toBeLessThanOrEqual(255);
        expect(temporaryName(encodeId(id)).length).toBeLessThanOrEqual(255);
        expect(`${name}.${LARGEST_GENERATION}.corrupt`.length).toBeLessThanOrEqual(255);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["x".repeat(1024), "語".repeat(341), "😀".repeat(256), "A".repeat(1024)])("for the longest ids too", (id) => {
    const name = fileName(encodeId(id), LARGEST_GENERATION);
    expect(name.length).toBeLessThanOrEqual(255);
    expect(name).toMatch(/~[0-9a-f]{64}\.\d+\.jsonl$/);
  });
});

describe("two memories never share a file", () => {
  it("even if the file system ignores case", () => {
    fc.assert(
      fc.property(ids, ids, (one, other) => {
        const same = encodeId(one).toLowerCase() === encodeId(other).toLowerCase();
        expect(same).toBe(one === other);
      }),
      { numRuns: 2000 },
    );
  });

  it("nor do memories with long ids that begin alike", () => {
    const [one, other] = [`${"x".repeat(1000)}1`, `${"x".repeat(1000)}2`];
    expect(encodeId(one)).not.toBe(encodeId(other));
    expect(encodeId(one)).not.toBe(encodeId(one.toUpperCase()));
  });
});

describe("a file belongs to the memory that its name says", () => {
  it("by its id, or only by its header if the id is too long", () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: LARGEST_GENERATION }), (id, generation) => {
        const encodedId = encodeId(id);
        expect(parseFileName(fileName(encodedId, generation))).toEqual({ encodedId, generation });
        expect(decodeId(encodedId)).toBe(encodedId.includes("~") ? null : id);
        expect(isTemporaryOf(temporaryName(encodedId), encodedId)).toBe(true);
        const kept = `${fileName(encodedId, generation)}.17.corrupt`;
        expect(quarantinedLogOf(kept)).toBe(fileName(encodedId, generation));
        expect(parseFileName(kept)).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    "notes.jsonl",
    "alice.0.jsonl",
    "alice.01.jsonl",
    "alice.1.jsonl.bak",
    "alice.1.JSONL",
    "Alice.1.jsonl",
    "%ff.1.jsonl", // not UTF-8
    "%61lice.1.jsonl", // alice, but not as `encodeId` writes it
    "%C3%A9.1.jsonl",
    "con.1.jsonl",
    ".1.jsonl",
    "alice.1234567890123456.jsonl",
  ])("and %s belongs to no memory", (name) => {
    expect(parseFileName(name)).toBeNull();
  });

  it("temporary files of other programs belong to no memory", () => {
    expect(isTemporaryOf("alice.tmp", "alice")).toBe(false);
    expect(isTemporaryOf("alice.notes.tmp", "alice")).toBe(false);
    expect(isTemporaryOf(temporaryName("alice"), "bob")).toBe(false);
    expect(quarantinedLogOf("alice.corrupt")).toBeNull();
  });
});
