import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import type { Report } from "../src/index.ts";
import { promises } from "./mutants/promises.ts";
import { type Ended, packageFolder, runNode } from "./node-process.ts";

/** The file that the package names for the program. */
const program = binOf(join(packageFolder, "package.json"));

function binOf(manifest: string): string {
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
  return bin["deep-agent-conformance"] as string; // or else nothing here works
}

/** The program on a module of the folder `modules`. */
function run(module: string, ...options: string[]): Promise<Ended> {
  return runNode([program, `test/modules/${module}.mjs`, ...options]);
}

describe("the program tells whether a module's backend conforms", () => {
  it("by status 0 and a line for each promise, where it does", async () => {
    const { status, stdout, output } = await run("good");
    expect({ status, output }).toMatchObject({ status: 0 });
    const told = stdout.split("\n").map((line) => /^(?:kept|untested) +(.*?)(?: \(the target .*)?$/.exec(line)?.[1]);
    expect(told.filter((promise) => promise !== undefined)).toEqual(promises);
    expect(stdout).toContain("(the target has no `residue`)");
    expect(stdout).toMatch(
      /\ngood conforms: of \d+ promises \d+ are kept \(\d+ tests\), 0 broken, 0 absent, \d+ untested\.\n$/,
    );
  });

  it("with a table of what the backend can do", async () => {
    const { stdout } = await run("four-methods");
    const table = stdout.slice(stdout.indexOf("\ncapability\n"));
    const rows = ["log", "health", "lifecycle", "info", "catalogue", "expiry"];
    for (const capability of rows) expect(table).toMatch(new RegExp(`^ +${capability} +no$`, "m"));
  });

  it("by status 1, the promise, and the calls that show it, where it does not", async () => {
    const { status, stdout } = await run("broken");
    expect(status).toBe(1);
    const [, ...broken] = stdout.split(/^(?=[A-Za-z]+ +)/m).filter((part) => /^(broken|BROKEN)/.test(part));
    expect(broken[0]).toBe(
      [
        "BROKEN   what went in comes out equal",
        "",
        "         10,000 records:",
        "           load after save has 9999 elements instead of 10000",
        "",
        "         What was called:",
        "           await backend.save('saved', [ { n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }, ... 9994 more items ]); // undefined",
        "           await backend.load('saved'); // [ { n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }, ... 9993 more items ]",
        "",
        "",
      ].join("\n"),
    );
    expect(stdout).toContain("broken DOES NOT CONFORM: ");
  });

  it.each([
    ["good", 0],
    ["broken", 1],
  ])("to machines: %s, by JSON and nothing else", async (module, expected) => {
    const { status, stdout } = await run(module, "--json");
    expect(status).toBe(expected);
    const report = JSON.parse(stdout) as Report;
    expect(report).toMatchObject({ name: module, conforms: expected === 0, capabilities: { log: true } });
    expect(report.promises.map(({ promise }) => promise)).toEqual(promises);
  });

  it("also where the module exports the target's members by name", async () => {
    const { status, stdout, output } = await run("named");
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^exported by name conforms/m);
  });
});

describe("an adapter that leaves something behind is reported, and ends nothing else", () => {
  it("a rejection that nobody handles", async () => {
    const { status, stdout } = await run("rejecting");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^BROKEN +ping answers how long the store took to answer$/m);
    expect(stdout).toContain("An error was left unhandled: Error: Nobody waits for this.");
    expect(stdout).toMatch(/^kept +what went in comes out equal$/m);
    expect(stdout).toContain("DOES NOT CONFORM");
  });

  it("an error that is thrown outside of every call", async () => {
    const { status, stdout } = await run("throwing");
    expect(status).toBe(1);
    expect(stdout).toContain("An error was left unhandled: Error: The connection was lost.");
    expect(stdout).toContain("DOES NOT CONFORM");
  });

  it("a rejection while the backend is first opened", async () => {
    const { status, stdout } = await run("stumbling", "--json");
    expect(status).toBe(1);
    const { promises: found } = JSON.parse(stdout) as Report;
    const tests = found.flatMap((promise) => promise.tests);
    expect(tests[0]).toMatchObject({ problem: "An error was left unhandled: Error: The first connection was lost." });
    expect(tests.filter(({ outcome }) => outcome === "broken")).toHaveLength(1);
  });

  it("a call that never ends", async () => {
    const { status, stdout } = await run("hanging", "--timeout", "5");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^BROKEN +ping answers how long the store took to answer$/m);
    expect(stdout).toContain("It did not end within 5 s.");
    expect(stdout).toContain("await backend.ping(); // not settled");
    expect(stdout).toMatch(/^kept +what went in comes out equal$/m);
    expect(stdout).toContain("DOES NOT CONFORM");
  });
});

describe("where there is nothing to test, the program says why and ends with status 2", () => {
  it.each([
    ["missing", "Cannot find module"],
    ["failing", "The module has a problem of its own."],
    ["no-target", "A conformance target is an object { name, open, … }."],
    ["misspelt", 'A conformance target has no member "tll"; it has name, open, close,'],
    ["no-server", "Error: There is no server. An error was left unhandled: Error: The name was not resolved."],
  ])("a module that is %s", async (module, problem) => {
    const { status, stdout, output } = await run(module);
    expect({ status, told: stdout.trim() }).toEqual({ status: 2, told: module === "no-server" ? module : "" });
    expect(output).toContain(`test/modules/${module}.mjs could not be tested.`);
    expect(output).toContain(problem);
  });

  it.each([
    ["no-target", "A conformance target is an object { name, open, … }."],
    [
      "misspelt",
      'A conformance target has no member "tll"; it has name, open, close, reopen, concurrentOpen, residue, lose, ttl.',
    ],
    ["no-backend", "The target gave null where a backend was due."],
  ])("in one line where what is wrong is said by it: %s", async (module, problem) => {
    const { status, output } = await run(module, "--json");
    expect({ status, output }).toEqual({
      status: 2,
      output: `test/modules/${module}.mjs could not be tested. ${problem}\n`,
    });
  });

  it.each<[string, string[], string]>([
    ["no module", [], "Name one module."],
    ["two modules", ["a.js", "b.js"], "Name one module."],
    ["an option that does not exist", ["a.js", "--jsom"], "--jsom"],
    ["a time limit that is none", ["a.js", "--timeout", "soon"], "--timeout takes a number of seconds."],
  ])("%s", async (_what, args, problem) => {
    const { status, stdout, output } = await runNode([program, ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(output).toContain(problem);
    expect(output).toContain("Usage: deep-agent-conformance MODULE");
  });

  it("asked for help, it gives it, with status 0", async () => {
    const { status, stdout } = await runNode([program, "--help"]);
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: deep-agent-conformance MODULE");
    expect(stdout).toContain("--json");
  });
});
