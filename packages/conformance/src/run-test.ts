import { supports } from "@deep-agent/core/adapter";
import { Absent } from "./absent.ts";
import { inTime } from "./in-time.ts";
import { Recorder } from "./recorder.ts";
import { Stage } from "./stage.ts";
import type { Suite, Test } from "./suite.ts";
import type { ConformanceTarget } from "./target.ts";

/** How long a test may take, in ms: a guard against hanging, not a measure. A runner that has a limit is given a longer one. */
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
    // Not asked for its class: it may be of another realm.
    const { message = String(cause) } = (cause ?? {}) as { message?: string };
    const problem = String(message);
    super([problem, "", "What was called:", ...reproduction.map((line) => `  ${line}`), ""].join("\n"), { cause });
    this.promise = promise;
    this.test = test;
    this.problem = problem;
    this.reproduction = reproduction;
  }
}

export interface RunOptions {
  /** How long the test may take, in ms. Default {@link TEST_TIMEOUT_MS}. */
  timeoutMs?: number | undefined;
  /** Asked when the test is over: throws where something else went wrong meanwhile. */
  check?: (() => Promise<void>) | undefined;
}

/** How a test ended that found nothing wrong. */
export interface Passed {
  readonly outcome: "kept" | "absent";
  /** What should be known of it all the same. */
  readonly remarks: readonly string[];
}

/**
 * Runs one test on a store of its own. `"absent"`: the backend does not have what the test is about, and does not pretend to.
 * Rejects with {@link BrokenPromise}.
 */
export async function runTest(
  target: ConformanceTarget,
  suite: Suite,
  test: Test,
  { timeoutMs = TEST_TIMEOUT_MS, check }: RunOptions = {},
): Promise<Passed> {
  const recorder = new Recorder();
  const overdue = new AbortController();
  try {
    const outcome = await inTime(runOnStage(target, suite, test, recorder, overdue.signal), timeoutMs);
    await check?.();
    return { outcome, remarks: recorder.remarks };
  } catch (error) {
    // It may be why, and it is not the next test's.
    await check?.().catch((second: unknown) => recorder.remark(String(second)));
    throw new BrokenPromise(suite.promise, test.name, recorder.lines, error);
  } finally {
    overdue.abort();
  }
}

/** Behind its time, a test leaves its store as it is: by then, what the target removes may be another test's. */
async function runOnStage(
  target: ConformanceTarget,
  suite: Suite,
  test: Test,
  recorder: Recorder,
  overdue: AbortSignal,
): Promise<Passed["outcome"]> {
  const stage = await Stage.open(target, recorder);
  try {
    if (suite.capability !== undefined && !supports(stage.backend, suite.capability))
      throw stage.absent(suite.capability);
    await test.run(stage);
  } catch (error) {
    // It says more than what may now go wrong at the end.
    if (!overdue.aborted)
      await stage.close().catch((second: unknown) => recorder.remark(`closing failed, too: ${String(second)}`));
    if (error instanceof Absent) return "absent";
    throw error;
  }
  if (!overdue.aborted) await stage.close();
  return "kept";
}
