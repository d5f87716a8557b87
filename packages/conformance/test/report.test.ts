import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { type ConformanceTarget, type PromiseReport, report, reportText } from "../src/index.ts";
import { inMemory } from "./in-memory-target.ts";
import { type Mutation, targetOf } from "./mutants/mutant.ts";
import { promises } from "./mutants/promises.ts";
import { slowTarget } from "./slow-target.ts";

const ROUND_TRIP = "what went in comes out equal";
const HEALTH = "ping answers how long the store took to answer";
const LOSS = "a log that lost what it had acknowledged says so";
const MODEL = "the log does what a list of entries would do, whatever is asked of it";
const PERSISTENCE = "another instance on the store finds what was written";
const DELETION = "delete removes one memory, and all of it";

/** What became of one promise. */
async function outcomeOf(promise: string, target: ConformanceTarget, timeoutMs?: number): Promise<PromiseReport> {
  const result = await report(target, { promises: [promise], ...(timeoutMs !== undefined && { timeoutMs }) });
  expect(result.promises).toHaveLength(1);
  expect(result.conforms).toBe(result.promises[0]?.outcome !== "broken");
  return result.promises[0] as PromiseReport; // there is one
}

const withoutHealth: Mutation = () => ({ ping: undefined });
const withoutEmptyRecords: Mutation = (honest) => ({
  load: async (...args) => (await honest.load(...args))?.filter((record) => Object.keys(record).length > 0) ?? null,
});

describe("a report tells what became of each promise", () => {
  it("kept, with its tests", async () => {
    const { outcome, reason, tests } = await outcomeOf(HEALTH, inMemory);
    expect({ outcome, reason }).toEqual({ outcome: "kept", reason: undefined });
    expect(tests).toEqual([{ name: "in milliseconds, each time", outcome: "kept", ms: expect.any(Number) }]);
  });

  it("broken, with the problem and the calls of the tests that say so", async () => {
    const { outcome, tests } = await outcomeOf(ROUND_TRIP, targetOf("broken", withoutEmptyRecords));
    expect(outcome).toBe("broken");
    expect(tests.filter((test) => test.outcome === "broken")).toEqual([
      {
        name: "fields that nobody knows",
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

  it("absent, where it is about a capability that the backend does not have", async () => {
    expect(await outcomeOf(HEALTH, targetOf("no health", withoutHealth))).toEqual({
      promise: HEALTH,
      outcome: "absent",
      reason: "the backend has no health",
      tests: [{ name: "in milliseconds, each time", outcome: "absent", ms: expect.any(Number) }],
    });
  });

  it("untested, where the target does not make it possible", async () => {
    expect(await outcomeOf(LOSS, inMemory)).toEqual({
      promise: LOSS,
      outcome: "untested",
      reason: "the target has no `lose`",
      tests: [],
    });
  });

  it("untested, where the target forbids a second instance", async () => {
    const target = { ...targetOf("locked"), concurrentOpen: false };
    const { outcome, reason } = await outcomeOf(
      "two instances write the same memory, and each sees what the other wrote",
      target,
    );
    expect({ outcome, reason }).toEqual({ outcome: "untested", reason: "the target says `concurrentOpen: false`" });
  });

  it("one after the other, as soon as each is known", async () => {
    const told: PromiseReport[] = [];
    const { promises: found } = await report(inMemory, {
      promises: [HEALTH, DELETION],
      onPromise: (promise) => void told.push(promise),
    });
    expect(told).toEqual(found);
    expect(told.map(({ promise }) => promise)).toEqual([DELETION, HEALTH]);
  });

  it("all of them, where nothing else is said", async () => {
    const result = await report(inMemory);
    expect(result.promises.map(({ promise }) => promise)).toEqual(promises);
    expect(result).toMatchObject({ name: "in-memory", conforms: true });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });
});

describe("a report tells what the backend can do", () => {
  it("all that has its methods", async () => {
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

describe("a report comes to an end", () => {
  it("where a call does not", async () => {
    const hanging = targetOf("hangs", () => ({ ping: () => new Promise(() => undefined) }));
    const { outcome, tests } = await outcomeOf(HEALTH, hanging, 50);
    expect(outcome).toBe("broken");
    expect(tests).toMatchObject([
      { problem: "It did not end within 0.05 s.", reproduction: ["await backend.ping(); // not settled"] },
    ]);
  });

  it("where the backend does not open: then there is none", async () => {
    const open = (): Promise<never> => new Promise(() => undefined);
    await expect(report({ name: "x", open }, { timeoutMs: 50 })).rejects.toThrow("It did not end within 0.05 s.");
  });

  it("where a store is not removed", async () => {
    const target = { ...targetOf("stays"), close: (): Promise<void> => new Promise(() => undefined) };
    const { outcome, tests } = await outcomeOf(HEALTH, target, 50);
    expect(outcome).toBe("broken");
    expect(tests).toMatchObject([{ problem: "It did not end within 0.05 s." }]);
  });

  it("with a time limit that is for each test, not for all", async () => {
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

describe("a report says where a backend was too slow to be tested well", () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const told = "of 200 sequences of calls, 19 ended within 8 s";

  it("of a promise that is kept, as far as could be seen", async () => {
    const result = await report(slowTarget(19), { promises: [MODEL] });
    expect(result).toMatchObject({
      conforms: true,
      promises: [{ outcome: "kept", tests: [{ outcome: "kept", remarks: [`hardly tested: ${told}`] }] }],
    });
    expect(reportText(result)).toContain(`\nkept     ${MODEL} (hardly tested: ${told})\n`);
  });

  it("nothing, where enough was tried", async () => {
    const { tests } = await outcomeOf(MODEL, slowTarget(20));
    expect(tests).toEqual([{ name: expect.any(String), outcome: "kept", ms: expect.any(Number) }]);
  });

  it("as broken, where nothing could be seen", async () => {
    const { outcome, tests } = await outcomeOf(MODEL, slowTarget(0));
    expect(outcome).toBe("broken");
    expect(tests).toMatchObject([
      { problem: "the backend is too slow to be tested: of 200 sequences of calls, 0 ended within 8 s" },
    ]);
  });

  it("and leaves the store alone when the time is over", async () => {
    const calls: string[] = [];
    const target = slowTarget(1, (id) => calls.push(id));
    await outcomeOf(MODEL, target);
    expect(calls.filter((id) => id !== "m0")).toEqual(["m1"]);
  });
});

describe("a report tells what else went wrong meanwhile", () => {
  /** As Node does of a rejection that nobody handles: jest's own process hears nothing of those. */
  const strayError = (message: string): void => {
    process.emit("unhandledRejection", new Error(message), Promise.resolve());
  };

  it("beside what a test found, and not with the next", async () => {
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

  it("of a backend without the capability that the test is about", async () => {
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

  it("as it was first opened, also where there is no test to tell it with", async () => {
    const open: ConformanceTarget["open"] = () => {
      strayError("The connection was lost.");
      return inMemory.open();
    };
    await expect(report({ name: "x", open }, { promises: [LOSS] })).rejects.toThrow(
      "An error was left unhandled: Error: The connection was lost.",
    );
  });

  it("and listens no longer than it runs", async () => {
    const listeners = (): number[] =>
      ["unhandledRejection", "uncaughtException"].map((name) => process.listenerCount(name));
    const before = listeners();
    await report(inMemory, { promises: [HEALTH] });
    await expect(report({ name: "x", open: () => Promise.reject(new Error("No.")) })).rejects.toThrow("No.");
    expect(listeners()).toEqual(before);
  });
});

describe("a report leaves no store behind", () => {
  it("each that was opened is removed once, whatever was found", async () => {
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

  it("and says where removing it failed", async () => {
    const target = targetOf("cannot be removed");
    const close = (): Promise<void> => Promise.reject(new Error("The folder is not empty."));
    expect(await outcomeOf(HEALTH, { ...target, close })).toMatchObject({
      outcome: "broken",
      tests: [{ problem: "The folder is not empty." }],
    });
  });
});

describe("there is no report on what is no target", () => {
  it("but a TypeError", async () => {
    await expect(report({ name: "x" } as unknown as ConformanceTarget)).rejects.toThrow(TypeError);
  });

  it.each([0, -1, Number.NaN, 2 ** 31])("nor with a time limit of %p ms", async (timeoutMs) => {
    await expect(report(inMemory, { timeoutMs })).rejects.toThrow(TypeError);
  });

  it("nor on a promise that the kit does not have", async () => {
    await expect(report(inMemory, { promises: [HEALTH, "all is well"] })).rejects.toThrow(
      'There is no promise "all is well".',
    );
  });

  it.each([
    [null, "null"],
    [undefined, "undefined"],
    ["redis://", "string"],
  ])("nor on one whose open gives %p", async (backend, told) => {
    const target = { name: "x", open: () => backend } as unknown as ConformanceTarget;
    const error: unknown = await report(target).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: `The target gave ${told} where a backend was due.` });
  });

  it("nor on one that does not open: its error is told", async () => {
    const open = (): never => {
      throw new Error("There is no server.");
    };
    await expect(report({ name: "x", open })).rejects.toThrow("There is no server.");
  });
});

describe("a report for people has the same in text", () => {
  it("each promise, and the calls where one is broken", async () => {
    const target = targetOf("my store", (honest, store) => ({ ...withoutHealth(honest, store), delete: undefined }));
    const text = reportText(
      await report(target, { promises: [HEALTH, LOSS, "list answers the ids of all memories, each once"] }),
    );
    expect(text.split("\n").slice(0, 6)).toEqual([
      "my store",
      "",
      "BROKEN   list answers the ids of all memories, each once",
      "",
      "         those that were deleted are not:",
      "           backend.delete is not a function",
    ]);
    expect(text).toContain("untested a log that lost what it had acknowledged says so (the target has no `lose`)\n");
    expect(text).toContain(`absent   ${HEALTH} (the backend has no health)\n`);
    expect(text).toMatch(/\n {2}health +no\n/);
    expect(text).toMatch(
      /my store DOES NOT CONFORM: of 3 promises 0 are kept \(7 tests\), 1 broken, 1 absent, 1 untested\.$/,
    );
  });
});
