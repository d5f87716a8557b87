import { describe, expect, it } from "@jest/globals";
import { QUICK_SCALE, tortureOptionsOf } from "../src/torture-options.ts";

describe("the options of pnpm torture", () => {
  it("ask for all parts by default, with the same choices each time", () => {
    expect(tortureOptionsOf([])).toEqual({ seed: 20261126, scale: 1, part: undefined, only: undefined });
  });

  it("ask for every part on a small scale with --quick", () => {
    expect(tortureOptionsOf(["--quick"])).toEqual({ ...tortureOptionsOf([]), scale: QUICK_SCALE });
    expect(tortureOptionsOf(["--quick", "--part", "kill", "--seed", "7"])).toMatchObject({ seed: 7, part: "kill" });
    expect(QUICK_SCALE).toBeLessThan(1);
  });

  it.each([
    ["--seed", "x"],
    ["--scale", "0"],
    ["--scale", "2"],
    ["--quick", "--scale", "0.1"],
    ["--only", "3"],
    ["--part", "agent", "--only", "-1"],
    ["--fast"],
  ])("is refused if it makes no sense: %s %s", (...args) => {
    expect(() => tortureOptionsOf(args.filter((arg) => arg !== undefined))).toThrow(/--/);
  });
});
