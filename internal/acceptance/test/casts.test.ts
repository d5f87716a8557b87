import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { castsIn } from "../../../scripts/lint/casts-in.ts";
import { CopiedSources, runLintStep } from "./support/copied-sources.ts";

describe("a cast is", () => {
  it.each([
    ["an assertion of a type", "const name = value as string;", ["1: value as string"]],
    [
      "each of two assertions",
      "const name = value as unknown as string;",
      ["1: value as unknown as string", "1: value as unknown"],
    ],
    ["the older form", "\nconst name = <string>value;", ["2: <string>value"]],
    [
      "an assertion over several lines",
      "f(\n  (await g()) as Map<\n    string,\n    number\n  >,\n);",
      ["2: (await g()) as Map< string, number >"],
    ],
    ["not `as const`", "const names = ['a'] as const; const more = <const>['a'];", []],
    ["not `satisfies`", "const name = value satisfies string;", []],
    ["not the `as` of a renamed import or export", 'import { a as b } from "./a.ts"; export { b as c };', []],
    ["not a word in a comment or a string", '/* value as string */ const text = "value as string";', []],
  ])("%s", (_, source, casts) => {
    expect(castsIn(source).map(({ line, text }) => `${line}: ${text}`)).toEqual(casts);
  });
});

describe("lint", () => {
  let copy: CopiedSources;
  const lint = () => runLintStep("node scripts/lint/casts.ts", copy.root);

  beforeAll(() => {
    copy = new CopiedSources([]);
  });
  afterAll(() => copy.remove());

  it("accepts 7 casts in the sources of redis", () => {
    copy.add("packages/redis/src/some.ts", "first as string;\n".repeat(5));
    copy.add("packages/redis/src/calls/more.ts", "second as string;\n".repeat(2));
    copy.add("packages/redis/test/some.test.ts", "tested as string;\n".repeat(100));
    expect(lint()).toEqual({ status: 0, output: "" });
  });

  it("fails with the 8th, and says where they are", () => {
    copy.add("packages/redis/src/calls/more.ts", "third as string;");
    const { status, output } = lint();
    expect(status).toBe(1);
    expect(output).toContain("packages/redis/src has 8 casts, more than its limit of 7");
    expect(output).toContain("  packages/redis/src/some.ts: 5\n    packages/redis/src/some.ts:1: first as string\n");
    expect(output).toContain("    packages/redis/src/calls/more.ts:4: third as string\n");
  });
});
