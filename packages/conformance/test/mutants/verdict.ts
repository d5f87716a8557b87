import { type PromiseReport, report } from "../../src/index.ts";
import type { Mutant } from "./mutant.ts";

/** The result of the kit on a mutant. */
export interface Verdict {
  readonly isCaught: boolean;
  /** How many tests of the promise failed. */
  readonly failed: number;
  readonly tests: number;
  /** The problem of the first failed test. */
  readonly problem: string | undefined;
}

/** Runs the tests of the promise that the mutant should break. */
export async function verdictOn({ promise, target }: Mutant): Promise<Verdict> {
  const { promises } = await report(target, { promises: [promise] });
  const [found] = promises;
  if (found === undefined || promises.length !== 1) throw new Error(`The kit reported on ${promises.length} promises.`);
  const broken = brokenTests(found);
  return {
    isCaught: found.outcome === "broken",
    failed: broken.length,
    tests: found.tests.length,
    problem: broken[0]?.problem,
  };
}

/** The failed tests of a promise. Empty if it is kept. */
export function brokenTests({ tests }: PromiseReport): PromiseReport["tests"] {
  return tests.filter(({ outcome }) => outcome === "broken");
}
