import { supports } from "@deep-agent/core/adapter";
import { Absent } from "./absent.ts";
import type { FileUrl } from "./elsewhere/elsewhere-target.ts";
import { inTime } from "./in-time.ts";
import { Recorder } from "./recorder.ts";
import { Stage, type StageOptions } from "./stage.ts";
import type { Suite, Test } from "./suite.ts";
import type { ConformanceTarget } from "./target.ts";

/**
 * How long a test may take, in ms. It guards against hanging, and measures no speed. A runner with a time limit gets a
 * longer one.
 */
export const TEST_TIMEOUT_MS = 120_000;

/** The error of a failed test: what was wrong, and the calls that were made. */
export class BrokenPromise extends Error {
  /** Always `"BrokenPromise"`. */
  override readonly name = "BrokenPromise";
  /** The promise that is broken, a sentence. */
  readonly promise: string;
  /** The name of the test that failed. */
  readonly test: string;
  /** What was wrong, in one or two lines. */
  readonly problem: string;
  /** The calls that led to the problem, as lines of a program. */
  readonly reproduction: readonly string[];

  /** The kit makes these errors. `cause` is the error that the test threw. */
  constructor(promise: string, test: string, reproduction: readonly string[], cause: unknown) {
    // `instanceof` would fail for an error of another realm.
    const { message = String(cause) } = (cause ?? {}) as { message?: string };
    const problem = String(message);
    super([problem, "", "Calls:", ...reproduction.map((line) => `  ${line}`), ""].join("\n"), { cause });
    this.promise = promise;
    this.test = test;
    this.problem = problem;
    this.reproduction = reproduction;
  }
}

export interface RunOptions {
  /** How long the test may take, in ms. Default {@link TEST_TIMEOUT_MS}. */
  timeoutMs?: number | undefined;
  /** Called at the end of the test. Rejects if something else went wrong meanwhile. */
  check?: (() => Promise<void>) | undefined;
  /** The module that exports the target, if it is known. */
  module?: string | FileUrl | undefined;
}

/** The result of a test that found no problem. */
export interface Passed {
  readonly outcome: "kept" | "absent";
  /** Remarks on the test, though it passed. */
  readonly remarks: readonly string[];
}

/**
 * Runs one test on a store of its own. The outcome is `"absent"` if the backend does not have what the test is about,
 * and has no method of it either. Rejects with {@link BrokenPromise}.
 */
export async function runTest(
  target: ConformanceTarget,
  suite: Suite,
  test: Test,
  { timeoutMs = TEST_TIMEOUT_MS, check, module }: RunOptions = {},
): Promise<Passed> {
  const recorder = new Recorder();
  const overdue = new AbortController();
  try {
    const outcome = await inTime(
      runOnStage(target, suite, test, recorder, { module, ended: overdue.signal }),
      timeoutMs,
    );
    await check?.();
    return { outcome, remarks: recorder.remarks };
  } catch (error) {
    // An unhandled error may be the reason, and must not be reported with the next test.
    await check?.().catch((second: unknown) => recorder.remark(String(second)));
    throw new BrokenPromise(suite.promise, test.name, recorder.lines, error);
  } finally {
    overdue.abort();
  }
}

/** A test that ran out of time leaves its store as it is: by then, the target could remove another test's store. */
async function runOnStage(
  target: ConformanceTarget,
  suite: Suite,
  test: Test,
  recorder: Recorder,
  options: StageOptions & { readonly ended: AbortSignal },
): Promise<Passed["outcome"]> {
  const overdue = options.ended;
  const stage = await Stage.open(target, recorder, options);
  try {
    if (suite.capability !== undefined && !supports(stage.backend, suite.capability))
      throw stage.absent(suite.capability);
    await test.run(stage);
  } catch (error) {
    // This error says more than a failure to close.
    if (!overdue.aborted)
      await stage.close().catch((second: unknown) => recorder.remark(`closing also failed: ${String(second)}`));
    if (error instanceof Absent) return "absent";
    throw error;
  }
  if (!overdue.aborted) await stage.close();
  return "kept";
}
