import { type Capability, capabilityMethods, supports } from "@deep-agent/core/adapter";
import type { FileUrl } from "./elsewhere/elsewhere-target.ts";
import { checkModule } from "./elsewhere/elsewhere-target.ts";
import { inTime } from "./in-time.ts";
import { BrokenPromise, runTest, TEST_TIMEOUT_MS } from "./run-test.ts";
import { StrayErrors } from "./stray-errors.ts";
import type { Suite, Test } from "./suite.ts";
import { suites as allSuites } from "./suites/index.ts";
import { type AnyBackend, type ConformanceTarget, checkBackend, checkTarget, missing } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** The longest delay of a timer in Node, in ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The outcome of all promises of a target, as JSON. */
export interface Report {
  /** The target's `name`. */
  name: string;
  /** Whether the backend conforms: no promise is broken. */
  conforms: boolean;
  /** For each capability, whether the backend has its methods. */
  capabilities: Record<Capability, boolean>;
  /** One report for each promise, in the order of the contract. */
  promises: PromiseReport[];
}

/** The outcome of one promise. */
export interface PromiseReport {
  /** The promise, a sentence. */
  promise: string;
  /**
   * `"kept"` if all tests passed, `"broken"` if one failed, `"absent"` if the promise is about a capability that the
   * backend does not have, `"untested"` if the target lacks a member that the tests need.
   */
  outcome: "kept" | "broken" | "absent" | "untested";
  /** Why the promise is absent or untested. Absent otherwise. */
  reason?: string;
  /** One report for each test that ran; empty if the promise is untested. */
  tests: TestReport[];
}

/** The outcome of one test. */
export interface TestReport {
  /** What the test is about. */
  name: string;
  /** `"kept"` if it passed, `"broken"` if it failed, `"absent"` if the backend does not have what it is about. */
  outcome: "kept" | "broken" | "absent";
  /** How long it took, in ms. */
  ms: number;
  /** Remarks on a test that passed, for instance that it could try few calls. Absent if there are no remarks. */
  remarks?: readonly string[];
  /** What was wrong. Only of a broken test. */
  problem?: string;
  /** The calls that led to the problem, as lines of a program. Only of a broken test. */
  reproduction?: readonly string[];
}

/** The options of {@link report}. */
export interface ReportOptions {
  /** Called with the report of each promise when its tests have ended. */
  onPromise?: ((promise: PromiseReport) => void) | undefined;
  /**
   * The promises to test, by their text. Default: all. Use it while you develop an adapter: a report on some promises
   * proves no conformance.
   */
  promises?: readonly string[] | undefined;
  /** How long a test may take before it counts as hanging, in ms. Default 120,000. */
  timeoutMs?: number | undefined;
  /**
   * The module that exports the target: an absolute path or a file URL. Another process imports it if `elsewhere` of
   * the target names no `module`. Default: not known, so `elsewhere` must name one.
   */
  module?: string | FileUrl | undefined;
}

/**
 * Runs the tests of the whole contract without a test runner. Rejects with a `TypeError` for an invalid target or
 * invalid options, and with the target's error if `open` fails the first time.
 */
export async function report(target: ConformanceTarget, options: ReportOptions = {}): Promise<Report> {
  const { onPromise, promises: wanted, timeoutMs = TEST_TIMEOUT_MS, module } = options;
  if (module !== undefined) checkModule(module, "`module`");
  checkTarget(target, module);
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw new UsageError(`\`timeoutMs\` must be a number of ms from above 0 to ${MAX_TIMEOUT_MS}, not ${timeoutMs}.`);
  const unknown = wanted?.find((name) => !allSuites.some(({ promise }) => promise === name));
  if (unknown !== undefined) throw new UsageError(`There is no promise ${JSON.stringify(unknown)}.`);
  const suites = allSuites.filter(({ promise }) => wanted === undefined || wanted.includes(promise));
  const run: Run = { target, timeoutMs, module, stray: new StrayErrors() };
  try {
    const capabilities = await declared(run);
    const promises: PromiseReport[] = [];
    for (const suite of suites) {
      const result = await reportOn(run, suite, capabilities);
      promises.push(result);
      onPromise?.(result);
    }
    // Errors that opening left unhandled are reported with the first test. There may be no tests.
    if (promises.every(({ tests }) => tests.length === 0)) await run.stray.check();
    const conforms = promises.every(({ outcome }) => outcome !== "broken");
    return { name: target.name, conforms, capabilities, promises };
  } finally {
    run.stray.ignore();
  }
}

/** The arguments that all parts of a report need. */
interface Run {
  readonly target: ConformanceTarget;
  readonly timeoutMs: number;
  readonly module: string | FileUrl | undefined;
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
  // Tests check how it closes, so failures are ignored here.
  await Promise.allSettled([inTime(close(), timeoutMs)]);
  return Object.fromEntries(entries) as Record<Capability, boolean>;
}

async function opened({ target, timeoutMs, stray }: Run): Promise<AnyBackend> {
  try {
    return checkBackend(await inTime(Promise.resolve(target.open()), timeoutMs));
  } catch (error) {
    // An unhandled error may be the reason.
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

async function reportOnTest({ target, timeoutMs, module, stray }: Run, suite: Suite, test: Test): Promise<TestReport> {
  const started = performance.now();
  const { name } = test;
  const ms = (): number => Math.round(performance.now() - started);
  try {
    const { outcome, remarks } = await runTest(target, suite, test, { timeoutMs, module, check: () => stray.check() });
    return { name, outcome, ms: ms(), ...(remarks.length > 0 && { remarks }) };
  } catch (error) {
    const { problem, reproduction = [] } = error instanceof BrokenPromise ? error : { problem: String(error) };
    return { name, outcome: "broken", ms: ms(), problem, reproduction };
  }
}
