import { describe, expect, it } from "@jest/globals";
import { report } from "../src/index.ts";
import { mutants } from "./mutants/catalogue/index.ts";
import { goodBackends } from "./mutants/good-backends.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { promises } from "./mutants/promises.ts";
import { survivors } from "./mutants/survivors.ts";
import { brokenTests, verdictOn } from "./mutants/verdict.ts";

/** A mutant with a second process takes seconds: here is one in four of them. `pnpm mutants` runs all. */
function isSampled({ target }: Pick<Mutant, "target">, index: number): boolean {
  return target.elsewhere === undefined || index % 4 === 0;
}

describe.each(promises)("the kit catches backends that break: %s", (promise) => {
  const breakers = mutants.filter((mutant) => mutant.promise === promise).filter(isSampled);

  it.each(breakers)("a backend that $name", async (mutant) => {
    expect(await verdictOn(mutant)).toMatchObject({ isCaught: true });
  });

  it("at least one mutant", () => {
    expect(breakers).not.toEqual([]);
  });
});

describe("a backend that keeps all promises conforms", () => {
  // The whole kit takes some ten seconds for each: here is every second one. `pnpm mutants` runs all.
  it.each(goodBackends.filter((target, index) => isSampled({ target }, index) && index % 2 === 0))(
    "$name",
    async (target) => {
      const { conforms, promises: found } = await report(target);
      expect(found.flatMap(brokenTests)).toEqual([]);
      expect(conforms).toBe(true);
      expect(found.map(({ promise }) => promise)).toEqual(promises);
    },
  );
});

describe("the mutants include the bugs that LangGraph's kit does not catch", () => {
  it.each(Object.entries(survivors))("%s: %s", (_what, name) => {
    expect(mutants.map((mutant) => mutant.name)).toContain(name);
  });
});
