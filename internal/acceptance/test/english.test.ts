import { describe, expect, it } from "@jest/globals";
import { remarksOnProse, remarksOnSource } from "../../../scripts/lint/english-in.ts";

const wide = "x".repeat(60);

describe("lint catches words that read as translated", () => {
  it.each([
    ["The address is none.", "is none"],
    ["Both of them are none.", "is none"],
    ["It is read anew.", "anew"],
    ["Whoever asks is told of it.", "told of"],
    ["The entry behind this one.", "behind"],
    ["Behind the loop, a proxy is closed.", "behind"],
  ])("%s", (sentence, word) => {
    const problem = expect.stringContaining(`"${word}"`);
    expect(remarksOnSource(`const a = 1;\n// ${sentence}\n`)).toEqual([{ line: 2, problem }]);
    expect(remarksOnSource(`throw new Error("${sentence}");\n`)).toEqual([{ line: 1, problem }]);
    expect(remarksOnProse(`# A\n\n${sentence}\n`)).toEqual([{ line: 3, problem }]);
  });

  it.each(["behind a proxy", "behind the firewall", "behind NAT", "behind an internal load balancer", "none is there"])(
    "but accepts their literal meaning: %s",
    (words) => {
      expect(remarksOnSource(`// A server ${words}.\n`)).toEqual([]);
      expect(remarksOnProse(`A server ${words}.\n`)).toEqual([]);
    },
  );
});

describe("lint catches them where a line ends within them", () => {
  const remark = { line: 2, problem: expect.stringContaining('"is none"') };

  it.each([
    ["a comment", "/**\n * The address is\n * none.\n */\n"],
    ["comments of a line each", "const a = 1;\nconst b = 2; // The address is\n// none.\n"],
  ])("in %s", (_what, source) => {
    expect(remarksOnSource(source)).toEqual([remark]);
  });

  it.each([
    ["a paragraph", "\nThe address is\nnone.\n"],
    ["a list", "\n- The address is\n  none.\n"],
    ["a quotation", "\n> The address is\n> none.\n"],
  ])("in %s", (_what, markdown) => {
    expect(remarksOnProse(markdown)).toEqual([remark]);
  });

  it("in a comment of a code block", () => {
    expect(remarksOnProse("```ts\n// Whoever asks is told\n// of it.\n```\n")).toEqual([
      { line: 2, problem: expect.stringContaining('"told of"') },
    ]);
  });

  it("but not from one paragraph or comment to the next", () => {
    expect(remarksOnProse("What it is\n\nNone of them.\n")).toEqual([]);
    expect(remarksOnSource("const a = 1; // what it is\nconst b = 2; // none of them\n")).toEqual([]);
    expect(remarksOnSource("/** What it is\n *\n * None of them. */\n")).toEqual([]);
    expect(remarksOnSource("// A server behind\n// a proxy.\n")).toEqual([]);
  });
});

describe("lint catches wide lines", () => {
  const problem = expect.stringContaining("columns");

  it.each([
    ["of a line's comment", `// ${wide} ${wide}\n`, 1],
    ["of a comment after code", `const a = 1; // ${wide} ${wide}\n`, 1],
    ["of a block of comment", `/**\n * short\n * ${wide} ${wide}\n */\nconst a = 1;\n`, 3],
    ["of a comment after a template that looks like one", `const a = \`\${b} // \${c}\`;\n// ${wide} ${wide}\n`, 2],
  ])("%s", (_what, source, line) => {
    expect(remarksOnSource(source)).toEqual([{ line, problem }]);
  });

  it("of prose, also in a list and in a quotation", () => {
    expect(remarksOnProse(`${wide} ${wide}\n\n- ${wide} ${wide}\n> ${wide} ${wide}\n`)).toEqual([
      { line: 1, problem },
      { line: 3, problem },
      { line: 4, problem },
    ]);
  });

  it.each([
    ["code", `const a = "${wide}${wide}";\n`],
    ["a template", `const a = \`// ${wide}${wide}\`;\n`],
  ])("but not of %s", (_what, source) => {
    expect(remarksOnSource(source)).toEqual([]);
  });

  it.each([
    ["a table", `| ${wide} | ${wide} |\n|---|---|\n`],
    ["a block of code", `\`\`\`ts\n// ${wide} ${wide}\n\`\`\`\n`],
    ["a link alone", `[${wide}](https://example.com/${wide})\n`],
    ["an address alone", `https://example.com/${wide}/${wide}\n`],
  ])("nor of %s", (_what, markdown) => {
    expect(remarksOnProse(markdown)).toEqual([]);
  });
});
