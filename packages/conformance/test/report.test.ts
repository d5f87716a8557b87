import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { type ConformanceTarget, type PromiseReport, report, reportText } from "../src/index.ts";
import { inMemory } from "./in-memory-target.ts";
import { type Mutation, targetOf } from "./mutants/mutant.ts";
import { promises } from "./mutants/promises.ts";
import { slowTarget } from "./slow-target.ts";

const ROUND_TRIP = "what went in comes out equal";
const HEALTH = "ping returns how long the store took to answer";
const LOSS = "a log reports the loss of acknowledged entries";
const MODEL = "the log behaves like a list of entries, whatever calls are made";
const PERSISTENCE = "another instance on the store finds what was written";
const DELETION = "delete removes one memory, and all of it";

/** The report of one promise. */
async function outcomeOf(promise: string, target: ConformanceTarget, timeoutMs?: number): Promise<PromiseReport> {
  const result = await report(target, { promises: [promise], ...(timeoutMs !== undefined && { timeoutMs }) });
  expect(result.promises).toHaveLength(1);
  expect(result.conforms).toBe(result.promises[0]?.outcome !== "broken");
  return result.promises[0] as PromiseReport; // its length was just checked
}

const withoutHealth: Mutation = () => ({ ping: undefined });
const withoutEmptyRecords: Mutation = (honest) => ({
  load: async (...args) => (await honest.load(...args))?.filter((record) => Object.keys(record).length > 0) ?? null,
});

describe("a report has the outcome of each promise", () => {
  it("kept, with its tests", async () => {
    const { outcome, reason, tests } = await outcomeOf(HEALTH, inMemory);
    expect({ outcome, reason }).toEqual({ outcome: "kept", reason: undefined });
    expect(tests).toEqual([{ name: "in milliseconds, at every call", outcome: "kept", ms: expect.any(Number) }]);
  });

  it("broken, with the problem and the calls of each failed test", async () => {
    const { outcome, tests } = await outcomeOf(ROUND_TRIP, targetOf("broken", withoutEmptyRecords));
    expect(outcome).toBe("broken");
    expect(tests.filter((test) => test.outcome === "broken")).toEqual([
      {
        name: "unknown fields",
        outcome: "broken",
        ms: expect.any(Number),
        problem: "load after save has 2 elements instead of 3",
        reproduction: [
          expect.stringMatching(/^await backend\.save\('saved', .*\); \/\/ undefined$/),
          expect.stringMatching(/^await backend\.load\('saved'\); \/\/ \[/),
        ],
      },
    ]);
    expect(tests.filter((test) => test.outcome === "kept").length).toBe(tests.length - 1);
  });

  it("absent, if it is about a capability that the backend does not have", async () => {
    expect(await outcomeOf(HEALTH, targetOf("no health", withoutHealth))).toEqual({
      promise: HEALTH,
      outcome: "absent",
      reason: "the backend has no health",
      tests: [{ name: "in milliseconds, at every call", outcome: "absent", ms: expect.any(Number) }],
    });
  });

  it("untested, if the target does not make the tests possible", async () => {
    expect(await outcomeOf(LOSS, inMemory)).toEqual({
      promise: LOSS,
      outcome: "untested",
      reason: "the target has no `lose`",
      tests: [],
    });
  });

  it("untested, if the target forbids a second instance", async () => {
    const target = { ...targetOf("locked"), concurrentOpen: false };
    const { outcome, reason } = await outcomeOf(
      "two instances write the same memory, and each sees what the other wrote",
      target,
    );
    expect({ outcome, reason }).toEqual({ outcome: "untested", reason: "the target says `concurrentOpen: false`" });
  });

  it("and calls back with each as soon as it is known", async () => {
    const reported: PromiseReport[] = [];
    const { promises: found } = await report(inMemory, {
      promises: [HEALTH, DELETION],
      onPromise: (promise) => void reported.push(promise),
    });
    expect(reported).toEqual(found);
    expect(reported.map(({ promise }) => promise)).toEqual([DELETION, HEALTH]);
  });

  it("for all promises by default", async () => {
    const result = await report(inMemory);
    expect(result.promises.map(({ promise }) => promise)).toEqual(promises);
    expect(result).toMatchObject({ name: "in-memory", conforms: true });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });
});

describe("a report has the backend's capabilities", () => {
  it("each of which is true if the backend has its methods", async () => {
    const { capabilities } = await report(targetOf("no health", withoutHealth), { promises: [] });
    expect(capabilities).toEqual({
      log: true,
      health: false,
      lifecycle: true,
      info: true,
      catalogue: true,
      expiry: true,
    });
  });
});

describe("a report always ends", () => {
  it("if a call does not", async () => {
    const hanging = targetOf("hangs", () => ({ ping: () => new Promise(() => undefined) }));
    const { outcome, tests } = await outcomeOf(HEALTH, hanging, 50);
    expect(outcome).toBe("broken");
    expect(tests).toMatchObject([
      { problem: "It did not finish within 0.05 s.", reproduction: ["await backend.ping(); // not settled"] },
    ]);
  });

  it("if the backend does not open: with an error", async () => {
    const open = (): Promise<never> => new Promise(() => undefined);
    await expect(report({ name: "x", open }, { timeoutMs: 50 })).rejects.toThrow("It did not finish within 0.05 s.");
  });

  it("if a store is not removed", async () => {
    const target = { ...targetOf("stays"), close: (): Promise<void> => new Promise(() => undefined) };
    const { outcome, tests } = await outcomeOf(HEALTH, target, 50);
    expect(outcome).toBe("broken");
    expect(tests).toMatchObject([{ problem: "It did not finish within 0.05 s." }]);
  });

  it("with a time limit for each test, not for all together", async () => {
    const slow = targetOf("slow", (honest) => ({
      async delete(...args) {
        await sleep(1);
        await honest.delete(...args);
      },
    }));
    const { outcome, tests } = await outcomeOf(DELETION, slow, 30_000);
    expect(outcome).toBe("kept");
    expect(tests.every(({ ms }) => ms > 0)).toBe(true);
  });
});

describe("a report says if a backend was too slow to be tested well", () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const progress = "of 200 sequences of calls, 19 ended within 8 s";

  it("in a remark on a promise that is kept as far as it was tested", async () => {
    const result = await report(slowTarget(19), { promises: [MODEL] });
    expect(result).toMatchObject({
      conforms: true,
      promises: [{ outcome: "kept", tests: [{ outcome: "kept", remarks: [`hardly tested: ${progress}`] }] }],
    });
    expect(reportText(result)).toContain(`\nkept     ${MODEL} (hardly tested: ${progress})\n`);
  });

  it("but not if enough calls were tried", async () => {
    const { tests } = await outcomeOf(MODEL, slowTarget(20));
    expect(tests).toEqual([{ name: expect.any(String), outcome: "kept", ms: expect.any(Number) }]);
  });

  it("as a broken promise if nothing was tested", async () => {
    const { outcome, tests } = await outcomeOf(MODEL, slowTarget(0));
    expect(outcome).toBe("broken");
    expect(tests).toMatchObject([
      { problem: "the backend is too slow to be tested: of 200 sequences of calls, 0 ended within 8 s" },
    ]);
  });

  it("and makes no more calls after the time limit", async () => {
    const calls: string[] = [];
    const target = slowTarget(1, (id) => calls.push(id));
    await outcomeOf(MODEL, target);
    expect(calls.filter((id) => id !== "m0")).toEqual(["m1"]);
  });
});

describe("a report includes unhandled errors", () => {
  /** Emits what Node emits for an unhandled rejection. The process of jest gets none of these events. */
  const strayError = (message: string): void => {
    process.emit("unhandledRejection", new Error(message), Promise.resolve());
  };

  it("with the test during which they occurred, and not with the next", async () => {
    const target = targetOf("broken twice", () => ({
      async ping() {
        strayError("The connection was lost.");
        return { latencyMs: -1 };
      },
    }));
    const { promises: found } = await report(target, { promises: [HEALTH, PERSISTENCE] });
    expect(found.map(({ outcome }) => outcome)).toEqual(["broken", "kept"]);
    expect(found[0]?.tests).toMatchObject([
      {
        problem: "latencyMs is -1",
        reproduction: [
          "await backend.ping(); // { latencyMs: -1 }",
          "// Error: An error was left unhandled: Error: The connection was lost.",
        ],
      },
    ]);
  });

  it("even if the backend does not have the capability of the test", async () => {
    const target = targetOf("no health", withoutHealth);
    const open: ConformanceTarget["open"] = () => {
      strayError("The connection was lost.");
      return target.open();
    };
    expect(await outcomeOf(HEALTH, { ...target, open })).toMatchObject({
      outcome: "broken",
      tests: [{ problem: "An error was left unhandled: Error: The connection was lost." }],
    });
  });

  it("from the first opening, even if no test runs", async () => {
    const open: ConformanceTarget["open"] = () => {
      strayError("The connection was lost.");
      return inMemory.open();
    };
    await expect(report({ name: "x", open }, { promises: [LOSS] })).rejects.toThrow(
      "An error was left unhandled: Error: The connection was lost.",
    );
  });

  it("and stops listening when it ends", async () => {
    const listeners = (): number[] =>
      ["unhandledRejection", "uncaughtException"].map((name) => process.listenerCount(name));
    const before = listeners();
    await report(inMemory, { promises: [HEALTH] });
    await expect(report({ name: "x", open: () => Promise.reject(new Error("No.")) })).rejects.toThrow("No.");
    expect(listeners()).toEqual(before);
  });
});

describe("a report removes its stores", () => {
  it("each opened store once, whatever the tests found", async () => {
    const opened: unknown[] = [];
    const closed: unknown[] = [];
    const target = targetOf("counted", withoutEmptyRecords);
    await report(
      {
        ...target,
        async open() {
          const backend = await target.open();
          opened.push(backend);
          return backend;
        },
        async close(backend) {
          closed.push(backend);
          await target.close(backend);
        },
      },
      { promises: [ROUND_TRIP, HEALTH] },
    );
    expect(opened.length).toBeGreaterThan(2);
    expect(closed).toEqual(opened);
  });

  it("and reports if that failed", async () => {
    const target = targetOf("cannot be removed");
    const close = (): Promise<void> => Promise.reject(new Error("The folder is not empty."));
    expect(await outcomeOf(HEALTH, { ...target, close })).toMatchObject({
      outcome: "broken",
      tests: [{ problem: "The folder is not empty." }],
    });
  });
});

describe("an invalid target gets no report", () => {
  it("but a TypeError", async () => {
    await expect(report({ name: "x" } as unknown as ConformanceTarget)).rejects.toThrow(TypeError);
  });

  it.each([0, -1, Number.NaN, 2 ** 31])("nor does a time limit of %p ms", async (timeoutMs) => {
    await expect(report(inMemory, { timeoutMs })).rejects.toThrow(TypeError);
  });

  it("nor does a promise that the kit does not have", async () => {
    await expect(report(inMemory, { promises: [HEALTH, "all is well"] })).rejects.toThrow(
      'There is no promise "all is well".',
    );
  });

  it.each([
    [null, "null"],
    [undefined, "undefined"],
    ["redis://", "string"],
  ])("nor does a target whose open returns %p", async (backend, shown) => {
    const target = { name: "x", open: () => backend } as unknown as ConformanceTarget;
    const error: unknown = await report(target).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: `The target must return a backend, but returned ${shown}.` });
  });

  it("nor does a target that does not open: its error is thrown", async () => {
    const open = (): never => {
      throw new Error("There is no server.");
    };
    await expect(report({ name: "x", open })).rejects.toThrow("There is no server.");
  });
});

describe("a report for people has the same as text", () => {
  it("each promise, and the calls of a broken one", async () => {
    const target = targetOf("my store", (honest, store) => ({ ...withoutHealth(honest, store), delete: undefined }));
    const text = reportText(
      await report(target, { promises: [HEALTH, LOSS, "list returns the ids of all memories, each once"] }),
    );
    expect(text.split("\n").slice(0, 6)).toEqual([
      "my store",
      "",
      "BROKEN   list returns the ids of all memories, each once",
      "",
      "         no deleted memories:",
      "           backend.delete is not a function",
    ]);
    expect(text).toContain("untested a log reports the loss of acknowledged entries (the target has no `lose`)\n");
    expect(text).toContain(`absent   ${HEALTH} (the backend has no health)\n`);
    expect(text).toMatch(/\n {2}health +no\n/);
    expect(text).toMatch(
      /my store DOES NOT CONFORM: of 3 promises, 0 are kept \(8 tests\), 1 broken, 1 absent, 1 untested\.$/,
    );
  });
});
