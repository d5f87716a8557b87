import { type Capability, capabilityMethods, supports } from "@deep-agent/core";
import { inTime } from "./in-time.ts";
import { BrokenPromise, runTest, TEST_TIMEOUT_MS } from "./run-test.ts";
import type { Suite, Test } from "./suite.ts";
import { suites as allSuites } from "./suites/index.ts";
import { type ConformanceTarget, checkTarget, missing } from "./target.ts";

/** The longest that a timer of Node takes, in ms. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

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
  /** What was wrong. */
  problem?: string;
  /** The calls that led to it, as lines of a program. */
  reproduction?: readonly string[];
}

export interface ReportOptions {
  /** Told of each promise when its tests are over. */
  onPromise?: (promise: PromiseReport) => void;
  /** The promises to look at, by name. Default: all. For those who develop the kit or an adapter; a report of some is no proof. */
  promises?: readonly string[];
  /** How long a test may take before it counts as hanging, in ms. Default 120,000. */
  timeoutMs?: number;
}

/** Runs the tests of the whole contract without any test runner. Rejects with a `TypeError` for what is no target, and where it does not open. */
export async function report(target: ConformanceTarget, options: ReportOptions = {}): Promise<Report> {
  checkTarget(target);
  const { onPromise, promises: wanted, timeoutMs = TEST_TIMEOUT_MS } = options;
  if (!(timeoutMs > 0 && timeoutMs <= LONGEST_TIMEOUT_MS))
    throw new TypeError(`\`timeoutMs\` is no time in ms: ${timeoutMs}.`);
  const unknown = wanted?.find((name) => !allSuites.some(({ promise }) => promise === name));
  if (unknown !== undefined) throw new TypeError(`There is no promise ${JSON.stringify(unknown)}.`);
  const capabilities = await declared(target, timeoutMs);
  const promises: PromiseReport[] = [];
  for (const suite of allSuites.filter(({ promise }) => wanted === undefined || wanted.includes(promise))) {
    const result = await reportOn(target, suite, capabilities, timeoutMs);
    promises.push(result);
    onPromise?.(result);
  }
  return { name: target.name, conforms: promises.every(({ outcome }) => outcome !== "broken"), capabilities, promises };
}

async function declared(target: ConformanceTarget, timeoutMs: number): Promise<Record<Capability, boolean>> {
  const backend = await inTime(Promise.resolve(target.open()), timeoutMs);
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

async function reportOn(
  target: ConformanceTarget,
  suite: Suite,
  capabilities: Record<Capability, boolean>,
  timeoutMs: number,
): Promise<PromiseReport> {
  const { promise, facility, capability } = suite;
  const isAbsent = capability !== undefined && !capabilities[capability];
  const untested = isAbsent ? undefined : facility && missing(target, facility);
  if (untested !== undefined) return { promise, outcome: "untested", reason: untested, tests: [] };
  const tests: TestReport[] = [];
  for (const test of suite.tests) tests.push(await reportOnTest(target, suite, test, timeoutMs));
  if (tests.some(({ outcome }) => outcome === "broken")) return { promise, outcome: "broken", tests };
  if (isAbsent) return { promise, outcome: "absent", reason: `the backend has no ${capability}`, tests };
  return { promise, outcome: "kept", tests };
}

async function reportOnTest(
  target: ConformanceTarget,
  suite: Suite,
  test: Test,
  timeoutMs: number,
): Promise<TestReport> {
  const started = performance.now();
  const { name } = test;
  const ms = (): number => Math.round(performance.now() - started);
  const stray = new StrayErrors();
  try {
    const outcome = await runTest(target, suite, test, { timeoutMs, check: () => stray.check() });
    return { name, outcome, ms: ms() };
  } catch (error) {
    const { problem, reproduction = [] } = error instanceof BrokenPromise ? error : { problem: String(error) };
    return { name, outcome: "broken", ms: ms(), problem, reproduction };
  } finally {
    stray.ignore();
  }
}

/** What nobody handles, a rejection or what a timer throws: an adapter that leaves such would end its user's process. */
class StrayErrors {
  #first: { error: unknown } | undefined;
  readonly #listener = (error: unknown): void => {
    this.#first ??= { error };
  };

  constructor() {
    process.on("unhandledRejection", this.#listener);
    process.on("uncaughtException", this.#listener);
  }

  /** Throws where there was one. */
  async check(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#first !== undefined) throw new Error(`An error was left unhandled: ${String(this.#first.error)}`);
  }

  ignore(): void {
    process.off("unhandledRejection", this.#listener);
    process.off("uncaughtException", this.#listener);
  }
}
