import { supports } from "@deep-agent/core";
import { Absent } from "./absent.ts";
import { Recorder } from "./recorder.ts";
import { Stage } from "./stage.ts";
import type { Suite, Test } from "./suite.ts";
import type { ConformanceTarget } from "./target.ts";

/** How long a test may take, in ms: a guard against hanging, not a measure. */
export const TEST_TIMEOUT_MS = 120_000;

/** A test that failed: what was wrong, and what had been called. */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
  readonly promise: string;
  readonly test: string;
  /** What was wrong, in a line or two. */
  readonly problem: string;
  /** The calls that led to it, as lines of a program. */
  readonly reproduction: readonly string[];

  constructor(promise: string, test: string, reproduction: readonly string[], cause: unknown) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    super([problem, "", "What was called:", ...reproduction.map((line) => `  ${line}`), ""].join("\n"), { cause });
    this.promise = promise;
    this.test = test;
    this.problem = problem;
    this.reproduction = reproduction;
  }
}

/**
 * Runs one test on a store of its own. `"absent"`: the backend does not have what the test is about, and does not pretend to.
 * Rejects with {@link BrokenPromise}.
 */
export async function runTest(target: ConformanceTarget, suite: Suite, test: Test): Promise<"kept" | "absent"> {
  const recorder = new Recorder();
  try {
    const stage = await Stage.open(target, recorder);
    try {
      if (suite.capability !== undefined && !supports(stage.backend, suite.capability)) stage.absent(suite.capability);
      await test.run(stage);
    } finally {
      await stage.close();
    }
    return "kept";
  } catch (error) {
    if (error instanceof Absent) return "absent";
    throw new BrokenPromise(suite.promise, test.name, recorder.lines, error);
  }
}
