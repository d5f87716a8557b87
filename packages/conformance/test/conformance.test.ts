import { describe, expect, it, jest } from "@jest/globals";
import { BrokenPromise, type ConformanceTarget, conformance } from "../src/index.ts";
import { inMemory } from "./in-memory-target.ts";
import { targetOf } from "./mutants/mutant.ts";
import { promises } from "./mutants/promises.ts";
import { slowTarget } from "./slow-target.ts";

interface Declared {
  path: string[];
  name: string;
  body: () => Promise<void>;
  timeoutMs: number | undefined;
  isSkipped: boolean;
}

/** Declares the kit's tests to a runner that only records them. `answer` is what the runner's `it` returns. */
function declared(target: ConformanceTarget, answer?: (test: Declared) => unknown): Declared[] {
  const tests: Declared[] = [];
  const path: string[] = [];
  const declare =
    (isSkipped: boolean) =>
    (name: string, body: () => Promise<void>, timeoutMs?: number): unknown => {
      const test = { path: [...path], name, body, timeoutMs, isSkipped };
      tests.push(test);
      return answer?.(test);
    };
  const describeHere = (name: string, body: () => void): void => {
    path.push(name);
    body();
    path.pop();
  };
  conformance({ describe: describeHere, it: Object.assign(declare(false), { skip: declare(true) }) }, target);
  return tests;
}

describe("the kit declares its tests to any runner", () => {
  it("grouped by promise, under the target's name", () => {
    const tests = declared(inMemory);
    expect(tests.length).toBeGreaterThan(150);
    expect(new Set(tests.map(({ path }) => path[0]))).toEqual(new Set(["in-memory keeps the contract"]));
    expect([...new Set(tests.map(({ path }) => path[1]))]).toEqual(promises);
    expect(tests.every(({ path }) => path.length === 2)).toBe(true);
    expect(new Set(tests.map(({ path, name }) => `${path[1]} ${name}`)).size).toBe(tests.length);
  });

  it("with a longer time limit than the kit's own: as an argument, and as mocha expects it", () => {
    const limits: number[] = [];
    const tests = declared(inMemory, () => ({ timeout: (ms: number) => limits.push(ms) })).filter(
      ({ isSkipped }) => !isSkipped,
    );
    expect(limits).toHaveLength(tests.length);
    for (const limit of [...limits, ...tests.map(({ timeoutMs }) => timeoutMs)]) expect(limit).toBeGreaterThan(120_000);
  });

  it("and skips, with the reason, tests that the target does not make possible", () => {
    const skipped = declared(inMemory).filter(({ isSkipped }) => isSkipped);
    expect(skipped.length).toBeGreaterThan(10);
    for (const { name } of skipped)
      expect(name).toMatch(/ \(not tested: the target has no `(residue|lose|reopen|elsewhere)`\)$/);
    const withoutLose = declared(targetOf("all but lose and elsewhere")).filter(({ isSkipped }) => isSkipped);
    expect(withoutLose.filter(({ name }) => name.includes("`lose`"))).toHaveLength(6);
    expect(withoutLose.filter(({ name }) => !name.includes("`lose`") && !name.includes("`elsewhere`"))).toEqual([]);
  });

  it("and, if the runner cannot skip, declares empty tests with the reason", async () => {
    const left: [name: string, body: () => Promise<void>][] = [];
    const it = (name: string, body: () => Promise<void>): void => {
      if (name.includes("not tested")) left.push([name, body]);
    };
    conformance({ describe: (_name, body) => body(), it }, inMemory);
    expect(left.map(([name]) => name)).toEqual(
      declared(inMemory)
        .filter(({ isSkipped }) => isSkipped)
        .map(({ name }) => name),
    );
    for (const [, body] of left) await expect(body()).resolves.toBeUndefined();
  });

  it("but not for an invalid target", () => {
    const nothing = { name: "x", open: inMemory.open, reOpen: inMemory.open } as unknown as ConformanceTarget;
    expect(() => declared(nothing)).toThrow(TypeError);
  });
});

describe("a declared test", () => {
  const bodyOf = (target: ConformanceTarget, wanted: string): (() => Promise<void>) => {
    const body = declared(target).find(({ name }) => name === wanted)?.body;
    if (body === undefined) throw new Error(`The kit has no test "${wanted}".`);
    return body;
  };

  it("passes if the promise is kept, and if its capability is absent", async () => {
    const test = "in milliseconds, at every call";
    await expect(bodyOf(inMemory, test)()).resolves.toBeUndefined();
    const without = targetOf("no health", () => ({ ping: undefined }));
    await expect(bodyOf(without, test)()).resolves.toBeUndefined();
  });

  it("passes with a warning if the backend is too slow to be tested well", async () => {
    const warn = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    const target = slowTarget(7);
    await bodyOf(target, "any sequence of appends, saves, deletes and reads, with any revisions")();
    expect(warn.mock.calls).toEqual([
      [
        "slow, the log behaves like a list of entries, whatever calls are made: " +
          "hardly tested: of 200 sequences of calls, 7 ended within 8 s",
      ],
    ]);
    jest.restoreAllMocks();
  });

  it("fails with the promise, the problem and the calls if the promise is broken", async () => {
    const broken = targetOf("broken", () => ({ ping: async () => ({ latencyMs: -1 }) }));
    const error: unknown = await bodyOf(broken, "in milliseconds, at every call")().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BrokenPromise);
    expect(error).toMatchObject({
      name: "BrokenPromise",
      promise: "ping returns how long the store took to answer",
      test: "in milliseconds, at every call",
      problem: "latencyMs is -1",
      reproduction: ["await backend.ping(); // { latencyMs: -1 }"],
    });
    expect((error as Error).message).toBe("latencyMs is -1\n\nCalls:\n  await backend.ping(); // { latencyMs: -1 }\n");
  });

  it("fails if the backend has a method of an absent capability", async () => {
    const half = targetOf("half a log", () => ({ read: undefined }));
    await expect(bodyOf(half, "to a new memory, and after existing entries")()).rejects.toMatchObject({
      problem: expect.stringContaining("append, a method of the absent capability log, is"),
    });
  });

  it("fails if a function of the target returns something wrong", async () => {
    const target = targetOf("confused");
    const test = "appends by both in turn";
    await expect(bodyOf({ ...target, open: () => null as never }, test)()).rejects.toMatchObject({
      problem: "The target must return a backend, but returned null.",
    });
    await expect(bodyOf({ ...target, reopen: () => undefined as never }, test)()).rejects.toMatchObject({
      problem: "The target must return a backend, but returned undefined.",
    });
    await expect(bodyOf({ ...target, reopen: (backend) => backend }, test)()).rejects.toMatchObject({
      problem: "`reopen` returned the same instance instead of a second one",
    });
  });

  it("reports a failure to close after the calls", async () => {
    const target = targetOf("broken twice", () => ({ ping: async () => ({ latencyMs: -1 }) }));
    const close = (): Promise<void> => Promise.reject(new Error("The folder is not empty."));
    await expect(bodyOf({ ...target, close }, "in milliseconds, at every call")()).rejects.toMatchObject({
      problem: "latencyMs is -1",
      reproduction: [
        "await backend.ping(); // { latencyMs: -1 }",
        "// closing also failed: Error: The folder is not empty.",
      ],
    });
  });

  it("passes the target the same backends that it opened", async () => {
    const opened: unknown[] = [];
    const passed: unknown[] = [];
    const target = targetOf("identities");
    const test = bodyOf(
      {
        ...target,
        async open() {
          const backend = await target.open();
          opened.push(backend);
          return backend;
        },
        residue(backend) {
          passed.push(backend);
          return target.residue(backend);
        },
        close(backend) {
          passed.push(backend);
          return target.close(backend);
        },
      },
      "nothing of a memory that never existed",
    );
    await test();
    expect(opened).toHaveLength(1);
    expect(new Set(passed)).toEqual(new Set(opened));
    expect(passed[0]).toBe(opened[0]);
  });
});
