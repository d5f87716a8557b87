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

/** Declares the kit's tests to a runner that only writes them down; what `it` answers is the runner's. */
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

describe("the kit declares its tests to whatever runner it is given", () => {
  it("by the promise that they are about, within the target's name", () => {
    const tests = declared(inMemory);
    expect(tests.length).toBeGreaterThan(150);
    expect(new Set(tests.map(({ path }) => path[0]))).toEqual(new Set(["in-memory keeps the contract"]));
    expect([...new Set(tests.map(({ path }) => path[1]))]).toEqual(promises);
    expect(tests.every(({ path }) => path.length === 2)).toBe(true);
    expect(new Set(tests.map(({ path, name }) => `${path[1]} ${name}`)).size).toBe(tests.length);
  });

  it("with a time limit that lets the kit speak first: in an argument, or as mocha takes it", () => {
    const limits: number[] = [];
    const tests = declared(inMemory, () => ({ timeout: (ms: number) => limits.push(ms) })).filter(
      ({ isSkipped }) => !isSkipped,
    );
    expect(limits).toHaveLength(tests.length);
    for (const limit of [...limits, ...tests.map(({ timeoutMs }) => timeoutMs)]) expect(limit).toBeGreaterThan(120_000);
  });

  it("and skips, saying why, what the target does not make possible", () => {
    const skipped = declared(inMemory).filter(({ isSkipped }) => isSkipped);
    expect(skipped.length).toBeGreaterThan(10);
    for (const { name } of skipped) expect(name).toMatch(/ \(not tested: the target has no `(residue|lose|reopen)`\)$/);
    expect(declared(targetOf("all but lose")).filter(({ isSkipped }) => isSkipped)).toHaveLength(4);
  });

  it("as tests that say so, where the runner cannot skip", async () => {
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

  it("but not for what is no target", () => {
    const nothing = { name: "x", open: inMemory.open, reOpen: inMemory.open } as unknown as ConformanceTarget;
    expect(() => declared(nothing)).toThrow(TypeError);
  });
});

describe("a test that the runner runs", () => {
  const bodyOf = (target: ConformanceTarget, wanted: string): (() => Promise<void>) => {
    const body = declared(target).find(({ name }) => name === wanted)?.body;
    if (body === undefined) throw new Error(`The kit has no test "${wanted}".`);
    return body;
  };

  it("passes where the promise is kept, and where its capability is absent", async () => {
    const test = "in milliseconds, each time";
    await expect(bodyOf(inMemory, test)()).resolves.toBeUndefined();
    const without = targetOf("no health", () => ({ ping: undefined }));
    await expect(bodyOf(without, test)()).resolves.toBeUndefined();
  });

  it("warns where the backend is too slow to be tested well, and passes", async () => {
    const warn = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    const target = slowTarget(7);
    await bodyOf(target, "any sequence of appends, saves, deletes and reads, whatever they know of it")();
    expect(warn.mock.calls).toEqual([
      [
        "slow, the log does what a list of entries would do, whatever is asked of it: " +
          "hardly tested: of 200 sequences of calls, 7 ended within 8 s",
      ],
    ]);
    jest.restoreAllMocks();
  });

  it("fails with the promise, the problem and the calls where it is broken", async () => {
    const broken = targetOf("broken", () => ({ ping: async () => ({ latencyMs: -1 }) }));
    const error: unknown = await bodyOf(broken, "in milliseconds, each time")().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BrokenPromise);
    expect(error).toMatchObject({
      name: "BrokenPromise",
      promise: "ping answers how long the store took to answer",
      test: "in milliseconds, each time",
      problem: "latencyMs is -1",
      reproduction: ["await backend.ping(); // { latencyMs: -1 }"],
    });
    expect((error as Error).message).toBe(
      "latencyMs is -1\n\nWhat was called:\n  await backend.ping(); // { latencyMs: -1 }\n",
    );
  });

  it("fails where a method of an absent capability is there all the same", async () => {
    const half = targetOf("half a log", () => ({ read: undefined }));
    await expect(bodyOf(half, "in a new memory, and behind what is there")()).rejects.toMatchObject({
      problem: expect.stringContaining("append, as the capability log is absent"),
    });
  });

  it("fails where the target gives something else than it is asked for", async () => {
    const target = targetOf("confused");
    const test = "appends by turns";
    await expect(bodyOf({ ...target, open: () => null as never }, test)()).rejects.toMatchObject({
      problem: "The target gave null where a backend was due.",
    });
    await expect(bodyOf({ ...target, reopen: () => undefined as never }, test)()).rejects.toMatchObject({
      problem: "The target gave undefined where a backend was due.",
    });
    await expect(bodyOf({ ...target, reopen: (backend) => backend }, test)()).rejects.toMatchObject({
      problem: "`reopen` gave the very instance that it was to give a second one of",
    });
  });

  it("tells of what went wrong at the end, too, behind what it found", async () => {
    const target = targetOf("broken twice", () => ({ ping: async () => ({ latencyMs: -1 }) }));
    const close = (): Promise<void> => Promise.reject(new Error("The folder is not empty."));
    await expect(bodyOf({ ...target, close }, "in milliseconds, each time")()).rejects.toMatchObject({
      problem: "latencyMs is -1",
      reproduction: [
        "await backend.ping(); // { latencyMs: -1 }",
        "// closing failed, too: Error: The folder is not empty.",
      ],
    });
  });

  it("gives the target the very backends that it opened", async () => {
    const opened: unknown[] = [];
    const given: unknown[] = [];
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
          given.push(backend);
          return target.residue(backend);
        },
        close(backend) {
          given.push(backend);
          return target.close(backend);
        },
      },
      "nor of a memory that was never there",
    );
    await test();
    expect(opened).toHaveLength(1);
    expect(new Set(given)).toEqual(new Set(opened));
    expect(given[0]).toBe(opened[0]);
  });
});
