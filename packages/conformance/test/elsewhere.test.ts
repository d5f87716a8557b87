import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type AnyBackend, type ConformanceTarget, type ElsewhereTarget, type Report, report } from "../src/index.ts";
import { packageFolder, runNode } from "./node-process.ts";

const onFiles = require("./elsewhere/files.cjs") as (directory: string) => AnyBackend; // JavaScript, as users have it

const SEEING = "another process sees every change at its next call";
const WRITING = "two processes write the same memory at the same time, and nothing is lost";
const KILLING = "a process that is killed while it writes harms no memory";

const folder = join(packageFolder, "test/elsewhere");

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "deep-agent-elsewhere-"));
});
afterEach(() => rmSync(home, { recursive: true }));

function targetOf(elsewhere: ElsewhereTarget): ConformanceTarget {
  return {
    name: "files",
    open: () => onFiles(mkdtempSync(join(home, "store-"))),
    elsewhere: { args: () => [home], ...elsewhere },
  };
}

/** The first problem of the first promise about other processes. */
async function problemOf(elsewhere: ElsewhereTarget, timeoutMs?: number): Promise<string | undefined> {
  const { promises } = await report(targetOf(elsewhere), { promises: [SEEING], timeoutMs });
  return promises[0]?.tests[0]?.problem;
}

describe("the other process is started by a module's path or URL", () => {
  /** A target on one store for each test, which the other process gets by its arguments. */
  function shared(elsewhere: Partial<ElsewhereTarget>): ConformanceTarget {
    let directory: string;
    return {
      name: "files",
      open() {
        directory = mkdtempSync(join(home, "store #1 %20 "));
        return onFiles(directory);
      },
      elsewhere: { module: join(folder, "files.cjs"), args: () => [directory], ...elsewhere },
    };
  }

  it.each<[string, Partial<ElsewhereTarget>]>([
    ["a path, in a child process", {}],
    ["a URL as text, in a child process", { module: pathToFileURL(join(folder, "files.cjs")).href }],
    ["a URL, in a thread", { module: pathToFileURL(join(folder, "files.cjs")), thread: true }],
  ])("%s", async (_what, elsewhere) => {
    const { promises } = await report(shared(elsewhere), { promises: [SEEING, WRITING, KILLING] });
    const outcomes = promises.map(({ promise, outcome, tests }) => [
      promise,
      outcome,
      tests.filter((test) => test.outcome === "broken"),
    ]);
    // Four methods promise that a process sees what another one saved, and nothing about appends.
    expect(outcomes).toEqual([
      [SEEING, "kept", []],
      [WRITING, "absent", []],
      [KILLING, "kept", []],
    ]);
  });

  it("by the program, from the target's own module", async () => {
    const program = join(packageFolder, "bin/deep-agent-conformance.js");
    const { stdout } = await runNode([program, "test/elsewhere/program-target.mjs", "--json"]);
    const { promises } = JSON.parse(stdout) as Report;
    const outcomes = new Map(promises.map(({ promise, outcome }) => [promise, outcome]));
    // The store is a small one: it breaks other promises, about long ids.
    expect([outcomes.get(SEEING), outcomes.get(WRITING), outcomes.get(KILLING)]).toEqual(["kept", "absent", "kept"]);
  });
});

describe("if the other process fails, the report says what happened", () => {
  it("it ends: its status, and the end of its output", async () => {
    expect(await problemOf({ module: join(folder, "crashing.mjs") })).toBe(
      "The other process ended with status 7, and did not answer to load. The end of its output:\n" +
        "The store's library has failed.",
    );
  });

  it.each([
    ["throwing.mjs", "The other process could not open its backend: Error: The module has a problem of its own."],
    ["missing.mjs", "Cannot find module"],
    ["no-function.mjs", "no-function.mjs exports no function that opens a backend."],
  ])("its module %s cannot be used", async (file, problem) => {
    expect(await problemOf({ module: join(folder, file) })).toContain(problem);
  });

  it("an option of Node does not exist", async () => {
    expect(await problemOf({ module: join(folder, "files.cjs"), execArgv: ["--no-such-option"] })).toContain(
      "bad option: --no-such-option",
    );
  });

  it("it is blocked: the test ends in time, and that process, too", async () => {
    const pids = join(home, "pids");
    const problem = await problemOf({ module: join(folder, "blocking.mjs"), args: () => [home, pids] }, 15_000);
    expect(problem).toBe("It did not finish within 15 s.");
    expect(await isGone(Number(readFileSync(pids, "utf8").split("\n")[0]))).toBe(true);
  });
});

describe("the other process ends with the process that started it", () => {
  it("even if that is killed while the other one is blocked", async () => {
    const pids = join(home, "pids");
    const program = join(packageFolder, "bin/deep-agent-conformance.js");
    const parent = spawn(process.execPath, [program, join(folder, "blocked-target.mjs")], {
      env: { ...process.env, PIDS: pids },
      stdio: "ignore",
    });
    const exited = once(parent, "exit");
    try {
      for (const end = Date.now() + 120_000; !existsSync(pids) && Date.now() < end; ) await sleep(50);
    } finally {
      parent.kill("SIGKILL");
    }
    await exited;
    expect(await isGone(Number(readFileSync(pids, "utf8").split("\n")[0]))).toBe(true);
  });
});

/** Whether there is no such process any more, after some time at the latest. */
async function isGone(pid: number): Promise<boolean> {
  if (!(pid > 0)) throw new Error("The process has not written its id.");
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
  }
  return false;
}
