import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const program = join(__dirname, "../../../scripts/check-docs.ts");

const page = `# A tree

[All pages](docs/README.md), [the guide](docs/guide.md#what-it-does), [this page](#a-tree) and [a picture][picture].

\`\`\`ts
import { Agent, type ChatModel } from "@deep-agent/core";

const model: ChatModel = {
  async *generate() {
    yield { type: "text", text: ["Hello", process.argv[2] ?? "stranger"].join(", ") };
    yield { type: "finish" };
  },
};
console.log("The agent says:");
console.log(await new Agent({ model }).ask("Hello"));
\`\`\`

<!-- check: output -->
\`\`\`console
$ node main.ts
The agent says:
Hello, stranger
$ node main.ts "Alice of Lisbon"
…
Hello, Alice … Lisbon
\`\`\`

[picture]: docs/picture.svg`;

const greeter = `/** A greeter that knows everybody. */
export class Friend implements Greeter {
  greet(name: string): string {
    return ["Hello", name].join(", ");
  }
}

/** Greets. */
export interface Greeter {
  /** What it says; \`name\` is whom it greets. */
  greet(name: string): string;
}`;

/** A small tree without a fault. */
const whole: Readonly<Record<string, string>> = {
  "README.md": page,
  "docs/README.md": "# All pages\n\n- [The guide](guide.md)\n- [Examples](../examples/README.md)",
  "docs/guide.md": "# Guide\n\n## What it *does*\n\nIt [greets](../packages/greeter/src/index.ts#L7).",
  "docs/picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
  "packages/greeter/package.json": '{ "name": "greeter", "exports": { ".": { "types": "./dist/index.d.ts" } } }',
  "packages/greeter/src/index.ts": greeter,
  "examples/README.md": "# Examples\n\n[hello](hello/README.md)",
  "examples/hello/README.md": "# Hello\n\n```console\n$ node main.ts\nhello\n```\n\n[Up](../README.md).",
  "examples/hello/main.ts": 'console.log("hello");',
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "deep-agent-docs-check-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The tree, with other text in a line of a file, or with another file. */
function changed(file: string, line: number, text: string): Record<string, string> {
  const lines = whole[file]?.split("\n") ?? [];
  lines[line - 1] = text;
  return { ...whole, [file]: lines.join("\n") };
}

/** How the check of a tree ends, and the problems that it tells. */
function check(
  tree: Readonly<Record<string, string>>,
  ...args: string[]
): { status: number | null; problems: string[] } {
  for (const [file, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `${text}\n`);
  }
  const { status, stderr } = spawnSync(process.execPath, [program, root, ...args], { encoding: "utf8" });
  return { status, problems: stderr.split("\n").filter((line) => line !== "") };
}

describe("the check of the documentation", () => {
  it("passes a tree without a fault", () => {
    expect(check(whole)).toEqual({ status: 0, problems: [] });
  });

  it.each([
    {
      fault: "a block that does not compile",
      tree: changed("README.md", 14, 'console.lag("The agent says:");'),
      // What does not compile prints something else, too.
      only: "code,links,indexes,symbols",
      problem: /^README\.md:14: TS\d+: Property 'lag' does not exist on type 'Console'\./,
    },
    {
      fault: "a dead link",
      tree: changed("docs/guide.md", 5, "It is [started](start.md)."),
      problem: /^docs\/guide\.md:5: start\.md does not exist$/,
    },
    {
      fault: "a symbol without text",
      tree: changed("packages/greeter/src/index.ts", 8, ""),
      problem: /^packages\/greeter\/src\/index\.ts:9: Greeter has no text$/,
    },
    {
      fault: "a page that is in no index",
      tree: changed("docs/secret.md", 1, "# A secret"),
      problem: /^docs\/secret\.md:1: is in no index: docs\/README\.md has no link to it$/,
    },
    {
      fault: "an example whose printed output differs",
      tree: changed("examples/hello/main.ts", 1, 'console.log("good morning");'),
      problem:
        /^examples\/hello\/README\.md:5: the output differs: the program prints "good morning", the page shows "hello"$/,
    },
  ])("fails a tree for $fault, and names file and line", ({ tree, only, problem }) => {
    const { status, problems } = check(tree, ...(only === undefined ? [] : ["--only", only]));
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(status).toBe(1);
  });

  it("follows links to headings, to lines, by labels and in HTML", () => {
    const tree = {
      ...changed("README.md", 28, "[image]: docs/picture.svg"),
      "docs/guide.md": [
        "# Guide",
        "[Back](README.md#every-page), [here](#guide), [the page](../README.md#a-tree)",
        "[It](../packages/greeter/src/index.ts#L99)",
        "<img src='no-picture.svg'> `[code](is-no-link.md)`",
        "![the same](https://github.com/deep-agent/deep-agent/blob/main/docs/no-picture.svg)",
      ].join("\n"),
    };
    expect(check(tree, "--only", "links").problems).toEqual([
      "README.md:3: docs/guide.md#what-it-does names no heading there",
      "README.md:3: [picture] names no link of the page",
      "docs/guide.md:2: README.md#every-page names no heading there",
      "docs/guide.md:3: ../packages/greeter/src/index.ts#L99 names no line there",
      "docs/guide.md:4: no-picture.svg does not exist",
      "docs/guide.md:5: https://github.com/deep-agent/deep-agent/blob/main/docs/no-picture.svg does not exist",
    ]);
  });

  it("asks for the text of members too, and what holds if an option is absent", () => {
    const options = `/** How somebody is greeted. */
export interface GreeterOptions {
  name: string;
  /** The language. */
  language?: string;
  /** How loud it is, in decibel. */
  loudness?: number;
  /** How often. Default 1. */
  times?: number;
  /** Called with each greeting. */
  onGreeting?: (greeting: { text: string }) => void;
  /** Where it is. */
  place?: { city: string };
}`;
    const index = `${greeter}\nexport type { GreeterOptions } from "./options.ts";`;
    const tree = { ...whole, "packages/greeter/src/index.ts": index, "packages/greeter/src/options.ts": options };
    const absent = "is optional, and its text does not say what holds if it is absent";
    expect(check(tree, "--only", "symbols").problems).toEqual([
      "packages/greeter/src/options.ts:3: GreeterOptions.name has no text",
      "packages/greeter/src/options.ts:5: GreeterOptions.language has a text that only repeats its name",
      `packages/greeter/src/options.ts:7: GreeterOptions.loudness ${absent}`,
      `packages/greeter/src/options.ts:13: GreeterOptions.place ${absent}`,
      "packages/greeter/src/options.ts:13: GreeterOptions.place.city has no text",
    ]);
  });

  it("runs a page's own block, and lets no program reach another machine", () => {
    const tree = {
      ...changed("README.md", 22, "Hello, friend"),
      "examples/hello/main.ts": 'await fetch("http://192.0.2.1/").catch(({ cause }) => console.log(cause.message));',
    };
    expect(check(tree, "--only", "output").problems).toEqual([
      'README.md:22: the output differs: the program prints "Hello, stranger", the page shows "Hello, friend"',
      expect.stringContaining('prints "A program of the documentation may not connect to 192.0.2.1."'),
    ]);
  });
});
