import type { PromiseReport } from "../../src/index.ts";
import { BrokenPromise, runTest } from "../../src/run-test.ts";
import { StrayErrors } from "../../src/stray-errors.ts";
import { suites } from "../../src/suites/index.ts";
import { missing } from "../../src/target.ts";
import type { Mutant } from "./mutant.ts";

/** The result of the kit on a mutant. */
export interface Verdict {
  readonly isCaught: boolean;
  /** The first test that failed. */
  readonly test?: string;
  /** Its problem. */
  readonly problem?: string;
}

/** Runs the tests of the promise that the mutant should break, up to the first one that fails. */
export async function verdictOn({ promise, target }: Mutant): Promise<Verdict> {
  const suite = suites.find((one) => one.promise === promise);
  if (suite === undefined) throw new Error(`The kit has no promise "${promise}".`);
  const untested = suite.facility && missing(target, suite.facility);
  if (untested !== undefined) throw new Error(`The promise is not tested: ${untested}.`);
  const stray = new StrayErrors();
  try {
    for (const test of suite.tests) await runTest(target, suite, test, { check: () => stray.check() });
    return { isCaught: false };
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    return { isCaught: true, test: error.test, problem: error.problem };
  } finally {
    stray.ignore();
  }
}

/** The failed tests of a promise. Empty if it is kept. */
export function brokenTests({ tests }: PromiseReport): PromiseReport["tests"] {
  return tests.filter(({ outcome }) => outcome === "broken");
}
