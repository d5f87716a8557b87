import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { conformance } from "../src/index.ts";
import { inMemory } from "./in-memory-target.ts";
import { packageFolder, runNode } from "./node-process.ts";

/** How a user starts a test runner on a test file. Jest is configured not to transform the files. */
interface Started {
  args: readonly string[];
  /** The option that runs only the tests with a name. */
  only: string;
  /** How it prints the number of passed tests. */
  passed: RegExp;
}

const BROKEN = "what went in comes out equal";
const jestProgram = require.resolve("jest/bin/jest");

const runners: Readonly<Record<string, (file: string) => Started>> = {
  "jest, CommonJS": (file) => ({
    args: [jestProgram, ...jestConfig("jest-cjs", `${file}.test.cjs`)],
    only: "--testNamePattern",
    passed: /^Tests: .* (\d+) passed/m,
  }),
  "jest, ESM": (file) => ({
    args: ["--experimental-vm-modules", jestProgram, ...jestConfig("jest-esm", `${file}.test.mjs`)],
    only: "--testNamePattern",
    passed: /^Tests: .* (\d+) passed/m,
  }),
  vitest: (file) => ({
    args: [join(folderOf("vitest"), "vitest.mjs"), "run", `test/runners/vitest/${file}.test.mjs`],
    only: "--testNamePattern",
    passed: /^ +Tests .*?(\d+) passed/m,
  }),
  "node:test": (file) => ({
    args: ["--test", "--test-reporter=spec", `test/runners/node-test/${file}.test.mjs`],
    only: "--test-name-pattern",
    passed: /^ℹ pass (\d+)$/m,
  }),
  mocha: (file) => ({
    args: [join(folderOf("mocha"), "bin/mocha.js"), `test/runners/mocha/${file}.test.mjs`],
    only: "--grep",
    passed: /^ +(\d+) passing/m,
  }),
};

function jestConfig(folder: string, file: string): string[] {
  const config = {
    rootDir: join(packageFolder, "test/runners", folder),
    testMatch: [`<rootDir>/${file}`],
    transform: {},
  };
  return [`--config=${JSON.stringify(config)}`];
}

/** The folder of an installed development dependency. */
function folderOf(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}

/** How many tests the kit declares for the target and does not skip. */
function testsOf(target: typeof inMemory): number {
  let tests = 0;
  const it = (): void => {
    tests += 1;
  };
  conformance({ describe: (_name, body) => body(), it: Object.assign(it, { skip: () => undefined }) }, target);
  return tests;
}

describe.each(Object.entries(runners))("the kit runs under %s", (_name, start) => {
  it("and passes for a good backend, test by test", async () => {
    const { args, passed } = start("good");
    const { status, output } = await runNode(args);
    expect({ status, passed: Number(passed.exec(output)?.[1]), output }).toMatchObject({
      status: 0,
      passed: testsOf(inMemory),
    });
  });

  it("and fails for a broken one, with the promise and the calls", async () => {
    const { args, only, passed } = start("broken");
    const { status, output } = await runNode(withOption(args, only, BROKEN));
    expect(status).not.toBe(0);
    expect(status).not.toBeNull();
    expect(output).toContain(BROKEN);
    expect(output).toContain("load after save has 9999 elements instead of 10000");
    expect(output).toContain("await backend.save('saved', [ { n: 0 }");
    expect(Number(passed.exec(output)?.[1])).toBeGreaterThan(5);
  });
});

/** Inserts an option before the last argument: node:test expects it before the file. */
function withOption(args: readonly string[], name: string, value: string): string[] {
  return [...args.slice(0, -1), `${name}=${value}`, ...args.slice(-1)];
}
