import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { encodeLine, parseLine } from "../src/line.ts";

const starts = fc.integer({ min: 1, max: 999_999_999_999_999 });
const kinds = fc.constantFrom("entry" as const, "part" as const, "save" as const);
/** JSON, some of which looks like a line or the end of a line. */
const payloads = fc
  .oneof(
    fc.jsonValue(),
    fc.array(fc.oneof(fc.constant("deadbeef"), fc.constant("[12,3"), fc.integer({ min: 10, max: 99_999_999 }))),
  )
  .map((value) => JSON.stringify({ t: "op", at: 1, r: [{ value }] }));

/** The line without the newline in front. */
function lineOf(start: number, payload: string): Buffer {
  return encodeLine("entry", start, payload).subarray(1);
}

const SAMPLE = lineOf(1234, '{"t":"op-1","at":1700000000000000,"r":[{"content":"J*: [12,[3,"},{"n":["deadbeef"]}]}');

describe("a line holds what was written", () => {
  it("for any payload", () => {
    fc.assert(
      fc.property(starts, kinds, payloads, (start, kind, payload) => {
        const bytes = encodeLine(kind, start, payload);
        expect(bytes[0]).toBe(10);
        expect(bytes.lastIndexOf(10)).toBe(0);
        expect(parseLine(bytes.subarray(1))).toMatchObject({ kind, start, payload, length: bytes.length - 1 });
        expect(JSON.parse(bytes.toString())).toEqual([
          expect.any(Number),
          start,
          kind,
          JSON.parse(payload),
          expect.stringMatching(/^[0-9a-f]{8}$/),
        ]);
      }),
    );
  });

  it("in bytes, not characters", () => {
    const payload = '{"r":["é語😀"]}';
    expect(parseLine(lineOf(1, payload))).toMatchObject({ payload });
  });
});

describe("the beginning of a line is a torn write, and nothing else", () => {
  it("wherever it was cut", () => {
    fc.assert(
      fc.property(starts, payloads, fc.nat(), (start, payload, at) => {
        const line = lineOf(start, payload);
        expect(parseLine(line.subarray(0, at % line.length))).toBe("torn");
      }),
      { numRuns: 2000 },
    );
  });

  it("at every place of a sample, even if the rest was allocated but never written", () => {
    const seen = new Set<unknown>();
    for (let cut = 0; cut < SAMPLE.length; cut++) {
      seen.add(parseLine(SAMPLE.subarray(0, cut)));
      seen.add(parseLine(Buffer.concat([SAMPLE.subarray(0, cut), Buffer.alloc(7)])));
    }
    expect([...seen]).toEqual(["torn"]);
  });

  it("and a whole line with such a rest after it is still the line", () => {
    expect(parseLine(Buffer.concat([SAMPLE, Buffer.alloc(4096)]))).toEqual(parseLine(SAMPLE));
  });
});

describe("a damaged line is never taken for another one", () => {
  it("nor for a torn one, whichever byte of a sample is changed", () => {
    const taken: string[] = [];
    for (let at = 0; at < SAMPLE.length; at++) {
      for (let change = 1; change < 256; change++) {
        const bytes = Buffer.from(SAMPLE);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        if (parseLine(bytes) !== "damaged") taken.push(`${at}: ${bytes[at]}`);
      }
    }
    expect(taken).toEqual([]);
  });

  it("nor if it was split in two by a newline", () => {
    const wholes: number[] = [];
    for (let at = 0; at < SAMPLE.length; at++) {
      const parts = [parseLine(SAMPLE.subarray(0, at)), parseLine(SAMPLE.subarray(at + 1))];
      if (parts.some((part) => typeof part === "object")) wholes.push(at);
    }
    expect(wholes).toEqual([]);
  });

  it("for any line, any place and any byte", () => {
    fc.assert(
      fc.property(starts, payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), (start, payload, at, change) => {
        const bytes = lineOf(start, payload);
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change;
        expect(parseLine(bytes)).toBe("damaged");
      }),
      { numRuns: 2000 },
    );
  });

  it.each([" ", "x", "]", "\0", SAMPLE.toString(), SAMPLE.toString().slice(0, 20)])("with %j after it", (garbage) => {
    expect(parseLine(Buffer.concat([SAMPLE, Buffer.from(garbage)]))).toBe("damaged");
  });

  it.each(["{}", "hello", "[]", "[x", "[1,]", '[3,1,"entry"', "\0\0[1"])("and %j is not a line", (text) => {
    expect(parseLine(Buffer.from(text))).not.toEqual(expect.any(Object));
  });

  it("nor is a line of an unknown kind", () => {
    // A later version may write such a line, with a valid checksum.
    expect(parseLine(encodeLine("later" as "entry", 5, "{}").subarray(1))).toBe("damaged");
  });
});
