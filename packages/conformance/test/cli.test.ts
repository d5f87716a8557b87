import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import type { Report } from "../src/index.ts";
import { promises } from "./mutants/promises.ts";
import { type Ended, packageFolder, runNode } from "./node-process.ts";

/** The program's file, by the package's manifest. */
const program = binOf(join(packageFolder, "package.json"));

function binOf(manifest: string): string {
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
  return bin["deep-agent-conformance"] as string; // without it, every test here fails
}

/** Runs the program on a module of the folder `modules`. */
function run(module: string, ...options: string[]): Promise<Ended> {
  return runNode([program, `test/modules/${module}.mjs`, ...options]);
}

describe("the program reports whether a module's backend conforms", () => {
  it("with status 0 and a line for each promise, if it does", async () => {
    const { status, stdout, output } = await run("good");
    expect({ status, output }).toMatchObject({ status: 0 });
    const listed = stdout.split("\n").map((line) => /^(?:kept|untested) +(.*?)(?: \(the target .*)?$/.exec(line)?.[1]);
    expect(listed.filter((promise) => promise !== undefined)).toEqual(promises);
    expect(stdout).toContain("(the target has no `residue`)");
    expect(stdout).toMatch(
      /\ngood conforms: of \d+ promises, \d+ are kept \(\d+ tests\), 0 broken, 0 absent, \d+ untested\.\n$/,
    );
  });

  it("with a table of the backend's capabilities", async () => {
    const { stdout } = await run("four-methods");
    const table = stdout.slice(stdout.indexOf("\ncapability\n"));
    const rows = ["log", "health", "lifecycle", "info", "catalogue", "expiry"];
    for (const capability of rows) expect(table).toMatch(new RegExp(`^ +${capability} +no$`, "m"));
  });

  it("with status 1, the broken promise and the calls that show it, if it does not", async () => {
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
        "         Calls:",
        "           await backend.save('saved', [ { n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }, ... 9994 more items ]); // undefined",
        "           await backend.load('saved'); // [ { n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }, ... 9993 more items ]",
        "",
        "",
        "         more records than 16 bits can count:",
        "           load after save has 9999 elements instead of 65600",
        "",
        "         Calls:",
        "           await backend.save('saved', [ { n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }, ... 65594 more items ]); // undefined",
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
  ])("as JSON and nothing else, for the backend %s", async (module, expected) => {
    const { status, stdout } = await run(module, "--json");
    expect(status).toBe(expected);
    const report = JSON.parse(stdout) as Report;
    expect(report).toMatchObject({ name: module, conforms: expected === 0, capabilities: { log: true } });
    expect(report.promises.map(({ promise }) => promise)).toEqual(promises);
  });

  it("if the module exports the target's members by name", async () => {
    const { status, stdout, output } = await run("named");
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^exported by name conforms/m);
  });
});

describe("an error outside of calls is reported, and the other tests still run", () => {
  it("an unhandled rejection", async () => {
    const { status, stdout } = await run("rejecting");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^BROKEN +ping returns how long the store took to answer$/m);
    expect(stdout).toContain("An error was left unhandled: Error: Nobody waits for this.");
    expect(stdout).toMatch(/^kept +what went in comes out equal$/m);
    expect(stdout).toContain("DOES NOT CONFORM");
  });

  it("an error that a timer throws", async () => {
    const { status, stdout } = await run("throwing");
    expect(status).toBe(1);
    expect(stdout).toContain("An error was left unhandled: Error: The connection was lost.");
    expect(stdout).toContain("DOES NOT CONFORM");
  });

  it("an unhandled rejection while the first backend is opened", async () => {
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
    expect(stdout).toMatch(/^BROKEN +ping returns how long the store took to answer$/m);
    expect(stdout).toContain("It did not finish within 5 s.");
    expect(stdout).toContain("await backend.ping(); // not settled");
    expect(stdout).toMatch(/^kept +what went in comes out equal$/m);
    expect(stdout).toContain("DOES NOT CONFORM");
  });
});

describe("if nothing can be tested, the program says why and ends with status 2", () => {
  it.each([
    ["missing", "Cannot find module"],
    ["failing", "The module has a problem of its own."],
    ["no-target", "A conformance target is an object { name, open, … }."],
    ["misspelt", 'A conformance target has no member "tll"; it has name, open, close,'],
    ["no-server", "Error: There is no server. An error was left unhandled: Error: The name was not resolved."],
  ])("a module that is %s", async (module, problem) => {
    const { status, stdout, output } = await run(module);
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 2, stdout: module === "no-server" ? module : "" });
    expect(output).toContain(`test/modules/${module}.mjs could not be tested.`);
    expect(output).toContain(problem);
  });

  it.each([
    ["no-target", "A conformance target is an object { name, open, … }."],
    [
      "misspelt",
      'A conformance target has no member "tll"; it has name, open, close, reopen, concurrentOpen, residue, lose, maxRecordBytes, ttl, elsewhere.',
    ],
    ["no-backend", "The target must return a backend, but returned null."],
  ])("in one line if the message explains it: %s", async (module, problem) => {
    const { status, output } = await run(module, "--json");
    expect({ status, output }).toEqual({
      status: 2,
      output: `test/modules/${module}.mjs could not be tested. ${problem}\n`,
    });
  });

  it.each<[string, string[], string]>([
    ["no module", [], "Pass exactly one module."],
    ["two modules", ["a.js", "b.js"], "Pass exactly one module."],
    ["an option that does not exist", ["a.js", "--jsom"], "--jsom"],
    ["an invalid time limit", ["a.js", "--timeout", "soon"], "--timeout must be a positive number of seconds."],
  ])("%s", async (_what, args, problem) => {
    const { status, stdout, output } = await runNode([program, ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(output).toContain(problem);
    expect(output).toContain("Usage: deep-agent-conformance MODULE");
  });

  it("unless it is asked for help: it prints that, with status 0", async () => {
    const { status, stdout } = await runNode([program, "--help"]);
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: deep-agent-conformance MODULE");
    expect(stdout).toContain("--json");
  });
});
