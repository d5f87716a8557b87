import diagnostics from "node:diagnostics_channel";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  CallTracker,
  checkOptionNames,
  closed,
  conflict,
  errorWith,
  invalidCursor,
  MemoryError,
  warnOf,
  windowStart,
} from "../src/adapter.ts";
import { assistant } from "../src/index.ts";

describe("the calls of a backend are tracked until it is closed", () => {
  const tracker = (): CallTracker => new CallTracker(() => closed("TestBackend", "test"));

  it("end() waits for the calls in flight, whether they succeed or fail", async () => {
    const calls = tracker();
    const one = Promise.withResolvers<string>();
    const two = Promise.withResolvers<string>();
    const running = [calls.run(() => one.promise), calls.run(() => two.promise)];
    let ended = false;
    const end = calls.end().then(() => {
      ended = true;
    });
    one.resolve("done");
    await running[0];
    expect(ended).toBe(false);
    two.reject(new Error("failed"));
    await expect(running[1]).rejects.toThrow("failed");
    await end;
    expect(calls.isClosed).toBe(true);
  });

  it("after end() no call is made", async () => {
    const calls = tracker();
    await calls.end();
    let made = false;
    const call = calls.run(async () => {
      made = true;
    });
    await expect(call).rejects.toMatchObject({ code: "CLOSED", backend: "test", message: /TestBackend was closed/ });
    expect(() => calls.checkOpen()).toThrow(/closed/);
    expect(made).toBe(false);
  });

  it("a call begins immediately", () => {
    let begun = false;
    void tracker().run(async () => {
      begun = true;
    });
    expect(begun).toBe(true);
  });
});

describe("the newest whole entries that hold a given number of records", () => {
  const lengths = fc.array(fc.nat(5), { maxLength: 30 });

  it("are as few as possible, and never more than the log has", () => {
    fc.assert(
      fc.property(lengths, fc.nat(30), fc.integer({ min: 1, max: 40 }), (entries, floorSeed, last) => {
        const floor = Math.min(floorSeed, entries.length);
        const held = (from: number): number => entries.slice(from).reduce((sum, length) => sum + length, 0);
        const from = windowStart({ floor, end: entries.length }, last, (index) => entries[index] ?? Number.NaN);
        if (from > floor) expect(held(from)).toBeGreaterThanOrEqual(last);
        if (from < entries.length) expect(held(from + 1)).toBeLessThan(last);
        expect(from).toBeGreaterThanOrEqual(floor);
      }),
    );
  });

  it("are all entries if no number is given", () => {
    expect(windowStart({ floor: 2, end: 9 }, undefined, () => 1)).toBe(2);
  });

  it("are found without a look at older ones", () => {
    const asked: number[] = [];
    windowStart({ floor: 0, end: 9 }, 2, (index) => asked.push(index) && 1);
    expect(asked).toEqual([8, 7]);
  });
});

describe("options are checked by their names", () => {
  const check = (options: unknown): void => checkOptionNames("TestBackend", options, ["path", "mode"], "test");

  it.each([[{}], [{ path: 1 }], [{ mode: undefined, path: "x" }]])("%j passes", (options) => {
    expect(() => check(options)).not.toThrow();
  });

  it.each([[{ paths: 1 }], [null], [7], ["path"], [undefined]])(
    "%j does not, and the error names the known options",
    (options) => {
      expect(() => check(options)).toThrow(
        expect.objectContaining({ code: "INVALID_CONFIG", backend: "test", hint: "Its options are path, mode." }),
      );
    },
  );
});

describe("an error with other details", () => {
  const reply = {
    ...{ text: "hi", reasoning: "", toolCalls: [], finishReason: "stop", usage: null },
    message: assistant("hi"),
  };
  const cause = new Error("cause");
  const error = new MemoryError("UNAVAILABLE", 'Cannot read memory "a".', {
    ...({ outcome: "unknown", retryable: true, backend: "redis", memoryId: "a", hint: "Wait.", cause, reply } as const),
  });

  it("keeps all other details, and has its hint once", () => {
    const changed = errorWith(error, { memoryId: "b", message: (text) => text.replace('"a"', '"b"') });
    expect(changed.message).toBe('Cannot read memory "b". Wait.');
    expect({ ...changed }).toEqual({ ...error, memoryId: "b" });
    expect(changed.reply).toBe(reply);
    expect(changed.cause).toBe(cause);
  });

  it("is a new error: the original does not change", () => {
    expect(errorWith(error, { outcome: "applied" }).outcome).toBe("applied");
    expect(error.outcome).toBe("unknown");
  });

  it("may lose its hint, or get another one", () => {
    expect(errorWith(error, { hint: undefined }).message).toBe('Cannot read memory "a".');
    expect(errorWith(error, { hint: "Go." }).message).toBe('Cannot read memory "a". Go.');
  });
});

describe("the errors and warnings of every adapter", () => {
  it("an error has its code and names memory and backend", () => {
    expect(conflict("alice", "test")).toMatchObject({ code: "CONFLICT", memoryId: "alice", backend: "test" });
    expect(conflict("alice", "test")).toMatchObject({ outcome: "not-applied", retryable: false });
    expect(closed("TestBackend", "test")).toMatchObject({ code: "CLOSED", backend: "test", retryable: false });
    expect(invalidCursor("test")).toMatchObject({ code: "INVALID_ARGUMENT", backend: "test" });
  });

  it("a warning is published, with its memory if it has one", () => {
    const seen: unknown[] = [];
    const listener = (event: unknown): void => void seen.push(event);
    diagnostics.subscribe("deep-agent:backend", listener);
    try {
      warnOf("test")("something");
      warnOf("test")("something else", "alice");
    } finally {
      diagnostics.unsubscribe("deep-agent:backend", listener);
    }
    expect(seen).toEqual([
      { type: "warning", backend: "test", detail: "something" },
      { type: "warning", backend: "test", detail: "something else", memoryId: "alice" },
    ]);
  });
});
