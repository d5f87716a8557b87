import { createContext, runInContext } from "node:vm";
import { MemoryError } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { equal, ok, rejectionOf, rejects, sameMembers } from "../src/expectations.ts";

/** The message of an expectation that fails; `undefined` if it holds. */
function problem(expectation: () => unknown): string | undefined {
  try {
    expectation();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function problemLater(expectation: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await expectation();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("unequal values are reported by the first place that differs", () => {
  it.each<[unknown, unknown, string]>([
    [1, 2, " is 1 instead of 2"],
    [-0, 0, " is -0 instead of 0"],
    [null, [], " is null instead of []"],
    [undefined, null, " is undefined instead of null"],
    ["1", 1, " is '1' instead of 1"],
    [[1, 2], [1, 3], "[1] is 2 instead of 3"],
    [[1, 3, 4], [1, 2, 5], "[1] is 3 instead of 2"],
    [[1], [1, 2], " has 1 elements instead of 2"],
    [[], {}, " is [] instead of {}"],
    [{}, [], " is {} instead of []"],
    [{ a: { b: [0, { c: 1 }] } }, { a: { b: [0, { c: 2 }] } }, ".a.b[1].c is 1 instead of 2"],
    [{ a: 1, b: 2 }, { a: 1 }, ' has "b", which was not stored'],
    [{ a: 1 }, { a: 1, b: 2 }, ' lacks "b"'],
    [{ at: new Date(0) }, { at: {} }, ".at is not a plain object"],
    [new Map(), {}, " is not a plain object"],
    [{ at: new Date(0) }, { at: "1970" }, ".at is 1970-01-01T00:00:00.000Z instead of '1970'"],
  ])("%p is not %p:%s", (actual, expected, message) => {
    expect(problem(() => equal(actual, expected, "it"))).toBe(`it${message}`);
  });

  it("in a long text, by the character", () => {
    const text = "x".repeat(100_000);
    expect(problem(() => equal([text], [`${text}yz`], "it"))).toBe(
      "it[0] differs at character 100000: '' instead of 'yz' (100000 characters instead of 100002)",
    );
    expect(problem(() => equal(`${text}a${text}`, `${text}b${text}`, "it"))).toBe(
      `it differs at character 100000: 'a${"x".repeat(29)}' instead of 'b${"x".repeat(29)}'`,
    );
  });

  it("in one line, however large they are", () => {
    const records = Array.from({ length: 10_000 }, (_, n) => ({ n, text: "x".repeat(1_000) }));
    const message = problem(() => equal(records, null, "it"));
    expect(message?.length).toBeLessThan(2_000);
    expect(message).not.toContain("\n");
  });
});

describe("values that are equal as JSON are equal", () => {
  it.each<[unknown, unknown]>([
    [undefined, undefined],
    [Number.NaN, Number.NaN],
    [[], []],
    [{ a: 1, gone: undefined }, { a: 1 }],
    [{ a: 1 }, { gone: undefined, a: 1 }],
    [
      { b: 1, a: [null, "", 0] },
      { a: [null, "", 0], b: 1 },
    ],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])("%p and %p", (actual, expected) => {
    expect(problem(() => equal(actual, expected, "it"))).toBeUndefined();
  });

  it("even if they were made in another realm", () => {
    const made: unknown = runInContext("[{ a: [1, { b: null }] }]", createContext());
    expect(Object.getPrototypeOf(made)).not.toBe(Array.prototype);
    expect(problem(() => equal(made, [{ a: [1, { b: null }] }], "it"))).toBeUndefined();
    expect(problem(() => equal(made, [{ a: [1, { b: 0 }] }], "it"))).toBe("it[0].a[1].b is null instead of 0");
    const date: unknown = runInContext("new Date(0)", createContext());
    expect(problem(() => equal(date, {}, "it"))).toBe("it is not a plain object");
  });
});

describe("other expectations", () => {
  it("hold for the same members in any order, each as often", () => {
    expect(problem(() => sameMembers(["b", "a"], ["a", "b"], "list"))).toBeUndefined();
    expect(problem(() => sameMembers(["a", "a"], ["a", "b"], "list"))).toBe("list[1] is 'a' instead of 'b'");
    expect(problem(() => sameMembers(["a"], ["a", "b"], "list"))).toBe("list has 1 elements instead of 2");
    expect(problem(() => sameMembers(null as unknown as string[], [], "list"))).toBe("list is not an array");
  });

  it("do not change the answers of the backend", () => {
    const answer = Object.freeze(["b", "a"]);
    sameMembers(answer, ["a", "b"], "list");
    expect(answer).toEqual(["b", "a"]);
  });

  it("fail with their message if a condition is false", () => {
    expect(problem(() => ok(true, "it is false"))).toBeUndefined();
    expect(problem(() => ok(0, "it is false"))).toBe("it is false");
  });
});

describe("a call that must reject", () => {
  const rejecting = (error: unknown) => (): Promise<never> => Promise.reject(error as Error);

  it("may reject with a MemoryError of any expected code", async () => {
    const error = new MemoryError("CONFLICT", "It changed.");
    expect(await rejects(rejecting(error), "CONFLICT", "save")).toBe(error);
    expect(await rejects(rejecting(error), ["INVALID_ARGUMENT", "CONFLICT"], "save")).toBe(error);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      "another code",
      rejecting(new MemoryError("CLOSED", "It was closed.")),
      "save rejects with CLOSED instead of CONFLICT or INVALID_ARGUMENT",
    ],
    [
      "another error",
      rejecting(new RangeError("too long")),
      "save rejects with RangeError (too long) instead of a MemoryError with the code CONFLICT or INVALID_ARGUMENT",
    ],
    [
      "no error at all",
      rejecting("no"),
      "save rejects with 'no' instead of a MemoryError with the code CONFLICT or INVALID_ARGUMENT",
    ],
    ["an answer", () => Promise.resolve([1]), "save does not reject, but returns [ 1 ]"],
    [
      "a throw",
      () => {
        throw new Error("at once");
      },
      "save throws Error (at once) instead of returning a promise that rejects",
    ],
    ["no promise", () => null as unknown as Promise<unknown>, "save does not return a promise"],
  ])("is reported with %s", async (_what, call, message) => {
    expect(await problemLater(() => rejects(call, ["CONFLICT", "INVALID_ARGUMENT"], "save"))).toBe(message);
  });

  it("may reject with any value", async () => {
    expect(await rejectionOf(rejecting(null), "load")).toBeNull();
    const reason = { left: true };
    expect(await rejectionOf(rejecting(reason), "load")).toBe(reason);
  });
});
