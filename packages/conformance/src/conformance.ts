import { runTest, TEST_TIMEOUT_MS } from "./run-test.ts";
import { suites } from "./suites/index.ts";
import { type ConformanceTarget, checkTarget, missing } from "./target.ts";

/**
 * The time limit that a test runner gets, in ms. It is longer than the kit's own, so that the kit reports a hanging
 * test first, with the calls that were made.
 */
const RUNNER_TIMEOUT_MS: number = TEST_TIMEOUT_MS + 30_000;

/** The functions of a test runner that the kit needs. Those of jest, vitest, node:test and mocha fit. */
export interface Runner {
  /** Declares a group of tests. Must call `body` before it returns. */
  describe(name: string, body: () => void): unknown;
  /** Declares a test. The kit passes a time limit in ms as the third argument, and sets it as mocha expects it, too. */
  it: It;
}

/** Declares a test. */
export interface It {
  /** Declares a test that fails if `body` rejects. `timeoutMs` is how long it may take, in ms. */
  (name: string, body: () => Promise<void>, timeoutMs?: number): unknown;
  /** Declares a test that is skipped. If it is absent, the kit declares an empty test whose name says so. */
  skip?(name: string, body: () => Promise<void>): unknown;
}

/**
 * Declares the tests of the whole contract for a backend, one `describe` for each promise. A failed test throws a
 * `BrokenPromise`.
 *
 * ```ts
 * conformance({ describe, it }, { name: "my store", open: () => new MyBackend() });
 * ```
 *
 * Throws a `TypeError` for an invalid target.
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
            // biome-ignore lint/suspicious/noConsole: a runner has no other place for remarks on a test that passes.
            for (const remark of remarks) console.warn(`${target.name}, ${suite.promise}: ${remark}`);
          };
          if (reason === undefined) limit(it(test.name, body, RUNNER_TIMEOUT_MS));
          else leaveOut(it, `${test.name} (not tested: ${reason})`);
        }
      });
    }
  });
}

/** Declares a skipped test. If the runner cannot skip tests, it declares an empty one. */
function leaveOut(it: It, name: string): void {
  const declare = it.skip?.bind(it) ?? it;
  declare(name, async () => undefined);
}

/** Mocha sets the time limit on the object that `it` returns. */
function limit(declared: unknown): void {
  const { timeout } = (declared ?? {}) as { timeout?: unknown };
  if (typeof timeout === "function") Reflect.apply(timeout, declared, [RUNNER_TIMEOUT_MS]);
}
