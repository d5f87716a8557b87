import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import ms, { type StringValue } from "ms";
import { parseTtl, type Ttl } from "../src/adapter.ts";

describe("a TTL is milliseconds, text with a unit, or never", () => {
  it.each<[Ttl, number | null]>([
    ["7d", 604_800_000],
    ["24h", 86_400_000],
    ["90s", 90_000],
    ["1.5h", 5_400_000],
    ["2 days", 172_800_000],
    [" 1m ", 60_000],
    ["1000ms", 1_000],
    ["100y", 3_155_760_000_000],
    [1, 1],
    [1_500.4, 1_500],
    [86_400_000, 86_400_000],
    [0, null],
    [-0, null],
    ["0", null],
    ["0s", null],
    [null, null],
  ])("%j is %p ms", (ttl, ms) => {
    expect(parseTtl(ttl)).toBe(ms);
  });

  it.each<unknown>([
    "-1",
    "-1d",
    -1,
    Number.NaN,
    "NaN",
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    "Infinity",
    "soon",
    "60", // no unit
    "",
    "  ",
    "7 fortnights",
    "1e3",
    "0x10",
    "7d7h",
    "d",
    0.5,
    "0.5ms",
    "101y",
    1e300,
    "9".repeat(101),
    "9".repeat(5_000),
    undefined,
    true,
    7n,
    Symbol("7d"),
    {},
    [7],
    ["7d"],
    new Date(),
    () => 7,
  ])("%p is not a TTL", (ttl) => {
    const invalid = expect.objectContaining({
      code: "INVALID_CONFIG",
      hint: expect.stringContaining("0 or null for no expiry"),
    });
    expect(() => parseTtl(ttl as Ttl)).toThrow(invalid);
  });

  it("and the message shows it, shortened", () => {
    expect(() => parseTtl("soon")).toThrow('Invalid TTL "soon": it must be a time');
    expect(() => parseTtl(Number.NaN)).toThrow("Invalid TTL NaN: it must be a time");
    expect(() => parseTtl("x".repeat(5_000))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{100,300}$/) }),
    );
  });

  it("text has the same meaning as in the package ms", () => {
    const names = [
      "ms",
      "msec",
      "msecs",
      "millisecond",
      "milliseconds",
      "s",
      "sec",
      "secs",
      "second",
      "seconds",
      "m",
      "min",
      "mins",
    ];
    names.push("minute", "minutes", "h", "hr", "hrs", "hour", "hours", "d", "day", "days", "w", "week", "weeks");
    names.push("y", "yr", "yrs", "year", "years", "D", "Hours", "fortnight", "mo", "mss");
    const text = fc.tuple(
      fc.double({ min: 1, max: 50, noNaN: true }),
      fc.constantFrom("", " ", "  "),
      fc.constantFrom(...names),
    );
    fc.assert(
      fc.property(text, ([number, space, name]) => {
        const ttl = `${number.toFixed(3)}${space}${name}`;
        // Undefined for invalid text, although its type does not say so.
        const expected = ms(ttl as StringValue) as number | undefined;
        if (expected === undefined) expect(() => parseTtl(ttl)).toThrow("it must be a time");
        else expect(parseTtl(ttl)).toBe(Math.round(expected));
      }),
    );
  });

  it("it is always a positive integer, or INVALID_CONFIG", () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.double(), fc.constantFrom("ms", "s", "m", "h", "d", "w", "y", " days"))
        .map(([n, unit]) => `${n}${unit}`),
    );
    fc.assert(
      fc.property(fc.oneof(text, fc.double(), fc.integer()), (ttl) => {
        let parsed: unknown;
        try {
          parsed = parseTtl(ttl);
        } catch (error) {
          parsed = (error as { code?: unknown }).code;
        }
        expect(
          parsed === null || parsed === "INVALID_CONFIG" || (Number.isSafeInteger(parsed) && Number(parsed) > 0),
        ).toBe(true);
      }),
    );
  });
});
