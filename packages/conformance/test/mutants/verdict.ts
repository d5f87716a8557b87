import { type PromiseReport, report } from "../../src/index.ts";
import type { Mutant } from "./mutant.ts";

/** What the kit found. */
export interface Verdict {
  readonly isCaught: boolean;
  /** How many of the promise's tests found it broken. */
  readonly failed: number;
  readonly tests: number;
  /** What the first of them said. */
  readonly problem: string | undefined;
}

/** Runs the tests of the promise that the mutant breaks. */
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

/** A good backend's broken promises, with the tests that found them; none where it conforms. */
export function brokenTests({ tests }: PromiseReport): PromiseReport["tests"] {
  return tests.filter(({ outcome }) => outcome === "broken");
}
