import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { type ConformanceTarget, type PromiseReport, report, reportText } from "../src/index.ts";
import { inMemory } from "./in-memory-target.ts";
import { type Mutation, targetOf } from "./mutants/mutant.ts";
import { promises } from "./mutants/promises.ts";

const ROUND_TRIP = "what went in comes out equal";
const HEALTH = "ping answers how long the store took to answer";
const LOSS = "a log that lost what it had acknowledged says so";
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
