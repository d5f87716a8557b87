import { runTest, TEST_TIMEOUT_MS } from "./run-test.ts";
import { suites } from "./suites/index.ts";
import { type ConformanceTarget, checkTarget, missing } from "./target.ts";

/** What a test runner is told, in ms, so that the kit is first: it can say what had been called. */
const RUNNER_TIMEOUT_MS: number = TEST_TIMEOUT_MS + 30_000;

/** What the kit needs of a test runner: jest, vitest, node:test and mocha have it, and so has anything that is like them. */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  /** Runners that take a time limit for a test take it as the third argument, in ms, or as mocha does. */
  it: It;
}

/** Declares a test, and where it has `skip` one that is left out. */
export interface It {
  (name: string, body: () => Promise<void>, timeoutMs?: number): unknown;
  skip?(name: string, body: () => Promise<void>): unknown;
}

/**
 * Declares the tests of the whole contract for a backend, one `describe` for each promise.
 *
 * ```ts
 * conformance({ describe, it }, { name: "my store", open: () => new MyBackend() });
 * ```
 *
 * Throws a `TypeError` for what is no target.
 */
export function conformance({ describe, it }: Runner, target: ConformanceTarget): void {
  checkTarget(target);
  describe(`${target.name} keeps the contract`, () => {
    for (const suite of suites) {
      describe(suite.promise, () => {
        const reason = suite.facility && missing(target, suite.facility);
        for (const test of suite.tests) {
          const body = async (): Promise<void> => {
            const { remarks } = await runTest(target, suite, test);
            // biome-ignore lint/suspicious/noConsole: a runner has no other place for what should be known of a test that passes.
            for (const remark of remarks) console.warn(`${target.name}, ${suite.promise}: ${remark}`);
          };
          if (reason === undefined) limit(it(test.name, body, RUNNER_TIMEOUT_MS));
          else leaveOut(it, `${test.name} (not tested: ${reason})`);
        }
      });
    }
  });
}

/** As a test that is skipped, or where the runner has none of those, as one that says so by its name. */
function leaveOut(it: It, name: string): void {
  const declare = it.skip?.bind(it) ?? it;
  declare(name, async () => undefined);
}

/** Mocha takes a time limit on what `it` answers. */
function limit(declared: unknown): void {
  const { timeout } = (declared ?? {}) as { timeout?: unknown };
  if (typeof timeout === "function") Reflect.apply(timeout, declared, [RUNNER_TIMEOUT_MS]);
}
