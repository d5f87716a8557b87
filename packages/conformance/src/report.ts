import { type Capability, capabilityMethods, supports } from "@deep-agent/core/adapter";
import { inTime } from "./in-time.ts";
import { BrokenPromise, runTest, TEST_TIMEOUT_MS } from "./run-test.ts";
import { StrayErrors } from "./stray-errors.ts";
import type { Suite, Test } from "./suite.ts";
import { suites as allSuites } from "./suites/index.ts";
import { type AnyBackend, type ConformanceTarget, checkBackend, checkTarget, missing } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** The longest that a timer of Node takes, in ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What became of a target's promises. JSON, so that machines can read it. */
export interface Report {
  name: string;
  /** Whether no promise was broken. */
  conforms: boolean;
  /** What the backend declares by its methods. */
  capabilities: Record<Capability, boolean>;
  promises: PromiseReport[];
}

export interface PromiseReport {
  promise: string;
  /** `"absent"`: about a capability that the backend does not have; `"untested"`: the target does not make it possible. */
  outcome: "kept" | "broken" | "absent" | "untested";
  /** Why it is absent or untested. */
  reason?: string;
  tests: TestReport[];
}

export interface TestReport {
  name: string;
  outcome: "kept" | "broken" | "absent";
  ms: number;
  /** What should be known of it though it passed: that it saw little. */
  remarks?: readonly string[];
  /** What was wrong. */
  problem?: string;
  /** The calls that led to it, as lines of a program. */
  reproduction?: readonly string[];
}

export interface ReportOptions {
  /** Told of each promise when its tests are over. */
  onPromise?: ((promise: PromiseReport) => void) | undefined;
  /** The promises to look at, by name. Default: all. For those who develop the kit or an adapter; a report of some is no proof. */
  promises?: readonly string[] | undefined;
  /** How long a test may take before it counts as hanging, in ms. Default 120,000. */
  timeoutMs?: number | undefined;
}

/** Runs the tests of the whole contract without any test runner. Rejects with a `TypeError` for what is no target, and where it does not open. */
export async function report(target: ConformanceTarget, options: ReportOptions = {}): Promise<Report> {
  checkTarget(target);
  const { onPromise, promises: wanted, timeoutMs = TEST_TIMEOUT_MS } = options;
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw new UsageError(`\`timeoutMs\` is no time in ms: ${timeoutMs}.`);
  const unknown = wanted?.find((name) => !allSuites.some(({ promise }) => promise === name));
  if (unknown !== undefined) throw new UsageError(`There is no promise ${JSON.stringify(unknown)}.`);
  const suites = allSuites.filter(({ promise }) => wanted === undefined || wanted.includes(promise));
  const run: Run = { target, timeoutMs, stray: new StrayErrors() };
  try {
    const capabilities = await declared(run);
    const promises: PromiseReport[] = [];
    for (const suite of suites) {
      const result = await reportOn(run, suite, capabilities);
      promises.push(result);
      onPromise?.(result);
    }
    // What the opening left is told with the first test. There may have been none.
    if (promises.every(({ tests }) => tests.length === 0)) await run.stray.check();
    const conforms = promises.every(({ outcome }) => outcome !== "broken");
    return { name: target.name, conforms, capabilities, promises };
  } finally {
    run.stray.ignore();
  }
}

/** What all parts of a report need. */
interface Run {
  readonly target: ConformanceTarget;
  readonly timeoutMs: number;
  readonly stray: StrayErrors;
}

async function declared(run: Run): Promise<Record<Capability, boolean>> {
  const { target, timeoutMs } = run;
  const backend = await opened(run);
  const names = Object.keys(capabilityMethods) as Capability[];
  const entries = names.map((name) => [name, supports(backend, name)] as const);
  const close = async (): Promise<void> => {
    if (supports(backend, "lifecycle")) await backend.close();
    await target.close?.(backend);
  };
  // How it closes is for the tests to tell.
  await Promise.allSettled([inTime(close(), timeoutMs)]);
  return Object.fromEntries(entries) as Record<Capability, boolean>;
}

async function opened({ target, timeoutMs, stray }: Run): Promise<AnyBackend> {
  try {
    return checkBackend(await inTime(Promise.resolve(target.open()), timeoutMs));
  } catch (error) {
    // It may be why.
    await stray.check().catch((second: Error) => {
      throw new Error(`${String(error)} ${second.message}`, { cause: error });
    });
    throw error;
  }
}

async function reportOn(run: Run, suite: Suite, capabilities: Record<Capability, boolean>): Promise<PromiseReport> {
  const { promise, facility, capability } = suite;
  const isAbsent = capability !== undefined && !capabilities[capability];
  const untested = isAbsent ? undefined : facility && missing(run.target, facility);
  if (untested !== undefined) return { promise, outcome: "untested", reason: untested, tests: [] };
  const tests: TestReport[] = [];
  for (const test of suite.tests) tests.push(await reportOnTest(run, suite, test));
  if (tests.some(({ outcome }) => outcome === "broken")) return { promise, outcome: "broken", tests };
  if (isAbsent) return { promise, outcome: "absent", reason: `the backend has no ${capability}`, tests };
  return { promise, outcome: "kept", tests };
}

async function reportOnTest({ target, timeoutMs, stray }: Run, suite: Suite, test: Test): Promise<TestReport> {
  const started = performance.now();
  const { name } = test;
  const ms = (): number => Math.round(performance.now() - started);
  try {
    const { outcome, remarks } = await runTest(target, suite, test, { timeoutMs, check: () => stray.check() });
    return { name, outcome, ms: ms(), ...(remarks.length > 0 && { remarks }) };
  } catch (error) {
    const { problem, reproduction = [] } = error instanceof BrokenPromise ? error : { problem: String(error) };
    return { name, outcome: "broken", ms: ms(), problem, reproduction };
  }
}
