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
  write(tree);
  return run([root, ...args]);
}

function write(tree: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `${text}\n`);
  }
}

function run(args: readonly string[], cwd = __dirname): { status: number | null; problems: string[] } {
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], { cwd, encoding: "utf8" });
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

  it("compiles blocks wherever it is called", () => {
    write(whole);
    expect(run([root, "--only", "code"], root)).toEqual({ status: 0, problems: [] });
  });

  it.each([
    ["an option that it does not know", ["--onli", "links"], ""],
    ["a part that it does not know", ["--only", "foo"], 'There is no part "foo". '],
    ["a folder that is not there", ["/no/such/folder"], "There is no folder /no/such/folder. "],
    ["a file", [__filename], `There is no folder ${__filename}. `],
    ["two folders", [__dirname, __dirname], "Only one folder can be checked at a time. "],
  ])("answers %s with its usage", (_what, args, reason) => {
    const usage = "Usage: npx -y pnpm@10.34.9 docs:check [FOLDER] [--only code,links,indexes,symbols,output]";
    expect(run(args)).toEqual({ status: 2, problems: [`${reason}${usage}`] });
  });

  it("finds what a package exports, whichever way its manifest says it", () => {
    const source = "export const loud = true;";
    const tree = {
      "packages/a/package.json": '{ "name": "a" }',
      "packages/a/src/index.ts": source,
      "packages/b/package.json": '{ "name": "b", "main": "./dist/main.js" }',
      "packages/b/src/main.ts": source,
      "packages/c/package.json": '{ "name": "c", "exports": { "import": "./dist/c.js" } }',
      "packages/c/src/c.ts": source,
      "packages/d/package.json": '{ "name": "d", "exports": { "./more": "./dist/more.js" } }',
      "packages/d/src/more.ts": source,
    };
    expect(check(tree, "--only", "symbols").problems).toEqual([
      "packages/a/src/index.ts:1: loud has no text",
      "packages/b/src/main.ts:1: loud has no text",
      "packages/c/src/c.ts:1: loud has no text",
      "packages/d/src/more.ts:1: loud has no text",
    ]);
  });

  it("looks for every page in an index above it", () => {
    const tree = {
      "README.md": "# A\n\n[Guide](docs/guide.md), [part](guide/part.md) and [tool](tool/)",
      "docs/guide.md": "# Guide",
      "docs/lost.md": "# Lost",
      "guide/part.md": "# Part",
      "guide/lost.md": "# Lost",
      "tool/README.md": "# Tool\n\n[More](more/more.md)",
      "tool/more/more.md": "# More",
      "packages/p/docs/lost.md": "# Lost",
      "packages/p/CHANGELOG.md": "# Changes",
      "packages/p/LICENSE.md": "# License",
      ".github/SUPPORT.md": "# Support",
    };
    const lost = "is in no index: README.md has no link to it";
    expect(check(tree, "--only", "indexes").problems).toEqual([
      `docs/lost.md:1: ${lost}`,
      `guide/lost.md:1: ${lost}`,
      `packages/p/docs/lost.md:1: ${lost}`,
    ]);
  });

  it("compares what any page shows, as commands or as code", () => {
    const ticks = "```";
    const tree = {
      ...whole,
      "docs/guide.md": [
        ...[`${ticks}sh`, "$ node examples/hello/main.ts", "bye", ticks, ""],
        ...[ticks, "$ node ../examples/hello/main.ts # twice", "good day", ticks, ""],
        ...[`${ticks}bash`, "# says hello", "node examples/hello/main.ts", ticks, "It prints:", ""],
        ...[`${ticks}text`, "hi", ticks, ""],
        ...[`${ticks}ts`, 'console.log("one");', ticks, "", `${ticks}text`, "two", ticks, ""],
        ...["<!-- check: continue -->", `${ticks}ts`, 'console.log("four");', ticks, "", `${ticks}text`, "four", ticks],
        ...[`${ticks}js`, 'console.log("one");', ticks, "", "<!-- check: skip it is a joke -->"],
        ...[`${ticks}text`, "three", ticks, ""],
        ...["Save this as `mine.ts`:", "", `${ticks}ts`, 'console.log("mine");', ticks, ""],
        ...[`${ticks}console`, "$ node mine.ts", "yours", "$ redis-cli PING", "PONG", ticks],
      ].join("\n"),
    };
    const differs = (prints: string, shows: string) =>
      `the output differs: the program prints "${prints}", the page shows "${shows}"`;
    expect(check(tree, "--only", "output").problems).toEqual([
      `docs/guide.md:3: ${differs("hello", "bye")}`,
      `docs/guide.md:8: ${differs("hello", "good day")}`,
      `docs/guide.md:18: ${differs("hello", "hi")}`,
      `docs/guide.md:26: ${differs("one", "two")}`,
      `docs/guide.md:54: ${differs("mine", "yours")}`,
    ]);
  });

  it("runs paths from the root and the scripts of an example", () => {
    const ticks = "```";
    const tree = {
      ...whole,
      "examples/hello/package.json":
        '{ "name": "hello", "scripts": { "start": "node main.ts", "say": "tsc && node main.ts", "test": "node main.ts" } }',
      "examples/hello/README.md": [
        ...[`${ticks}console`, "$ node examples/hello/main.ts", "hello", "$ npm install", "$ npm start", "hello"],
        ...["$ npm run say -- loud", "> hello@1.0.0 say", "> tsc && node main.ts loud", "", "hello", "$ npm test"],
        ...["hello", "$ cd examples", "$ node hello/main.ts", "hello", "$ npm run sing", "la", ticks],
      ].join("\n"),
    };
    expect(check(tree, "--only", "output").problems).toEqual([
      "examples/hello/README.md:17: npm run sing is no command that can be run here",
    ]);
  });
});
