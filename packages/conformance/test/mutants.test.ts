import { describe, expect, it } from "@jest/globals";
import { report } from "../src/index.ts";
import { mutants } from "./mutants/catalogue/index.ts";
import { goodBackends } from "./mutants/good-backends.ts";
import { promises } from "./mutants/promises.ts";
import { survivors } from "./mutants/survivors.ts";
import { brokenTests, verdictOn } from "./mutants/verdict.ts";

describe.each(promises)("who breaks it is caught: %s", (promise) => {
  const breakers = mutants.filter((mutant) => mutant.promise === promise);

  it.each(breakers)("a backend that $name", async (mutant) => {
    expect(await verdictOn(mutant)).toMatchObject({ isCaught: true });
  });

  it("there is one, at least", () => {
    expect(breakers).not.toEqual([]);
  });
});

describe("who keeps all promises conforms", () => {
  it.each(goodBackends)("$name", async (target) => {
    const { conforms, promises: found } = await report(target);
    expect(found.flatMap(brokenTests)).toEqual([]);
    expect(conforms).toBe(true);
    expect(found.map(({ promise }) => promise)).toEqual(promises);
  });
});

describe("what LangGraph's kit lets pass is among the mutants", () => {
  it.each(Object.entries(survivors))("%s: %s", (_what, name) => {
    expect(mutants.map((mutant) => mutant.name)).toContain(name);
  });
});
