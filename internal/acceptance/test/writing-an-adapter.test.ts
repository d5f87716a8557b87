import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ConformanceTarget, conformance, type Report, report, reportText } from "@deep-agent/conformance";
import type { CallOptions } from "@deep-agent/core";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { SqliteBackend } from "./support/sqlite-backend.ts";

const root = join(__dirname, "../../..");
const guide = readFileSync(join(root, "docs/writing-an-adapter.md"), "utf8");
const readme = readFileSync(join(root, "packages/conformance/README.md"), "utf8");

/** The adapter that the guide and the README print, on a database file. */
let folder: string;
const path = (): string => join(folder, "memories.db");
const target: ConformanceTarget = {
  name: "the adapter of the guide",
  open() {
    folder = mkdtempSync(join(tmpdir(), "deep-agent-sqlite-"));
    return new SqliteBackend<object>(path());
  },
  reopen: () => new SqliteBackend<object>(path()),
  close: () => rmSync(folder, { recursive: true }),
  residue() {
    const db = new DatabaseSync(path());
    const rows = db.prepare("SELECT hex(id) AS id FROM memories").all();
    db.close();
    return rows.map((row) => String(row["id"]));
  },
};

conformance({ describe, it }, target);

describe("the guide and the kit's README are correct", () => {
  /** The result of following the guide to the letter. */
  let followed: ReturnType<typeof follow>;
  beforeAll(() => {
    const project = mkdtempSync(join(tmpdir(), "deep-agent-guide-"));
    try {
      followed = follow(project);
    } finally {
      rmSync(project, { recursive: true });
    }
  }, 300_000);

  it("the guide prints the adapter that the kit tests", () => {
    const adapter = readFileSync(join(__dirname, "support/sqlite-backend.ts"), "utf8");
    expect(guide).toContain(`\`\`\`ts\n${adapter}\`\`\``);
  });

  it("the guide's first two steps lead to a report, and to a backend that conforms", () => {
    const { status, stderr, report } = followed;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(report).toMatchObject({ name: "sqlite", conforms: true });
    expect(outcomeOf("another instance on the store finds what was written")).toBe("kept");
    expect(outcomeOf("any valid id is safe, and any other id is rejected")).toBe("kept");
  });

  it("the README lists the kit's promises, each with what its test needs", () => {
    const facilities = facilitiesOf({ name: "four methods", open: target.open });
    const rows = followed.report.promises.map(({ promise, outcome, reason }) => {
      const capability = outcome === "absent" ? /has no (\w+)/.exec(reason ?? "")?.[1] : undefined;
      const facility = facilities.get(promise);
      const needs = [capability && `with \`${capability}\``, facility && `by \`${facility}\``].filter(Boolean);
      return `| ${promise} | ${needs.join(", ") || "always"} |\n`;
    });
    expect(readme).toContain(`|---|---|\n${rows.join("")}\n`);
  });

  it("the README prints the kit's report about a backend whose delete also removes other memories", async () => {
    const promises = ["delete removes one memory, and all of it"];
    const broken = { name: "broken", open: () => new PrefixDeleting(":memory:") };
    const text = reportText(await report(broken, { promises }));
    const promise = text.slice(text.indexOf("BROKEN"), text.indexOf("\ncapability")).trim();
    // An error of another realm of Jest is not recognized as an error, so it is printed with its name.
    const sample = promise.replace("AssertionError [ERR_ASSERTION]: ", "");
    expect(sample).toContain("Calls:");
    expect(readme).toContain(`\`\`\`text\n${sample}\n\`\`\``);
  });

  function outcomeOf(promise: string): string | undefined {
    return followed.report.promises.find((one) => one.promise === promise)?.outcome;
  }
});

/** Saves the guide's code under the names that the guide gives, and runs the kit's program on it. */
function follow(project: string): { status: number | null; stderr: string; report: Report } {
  const scope = join(project, "node_modules/@deep-agent");
  mkdirSync(scope, { recursive: true });
  for (const name of ["core", "conformance"]) symlinkSync(join(root, "packages", name), join(scope, name), "junction");
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
  writeFileSync(join(project, "sqlite-backend.ts"), codeBlock("ts", "class SqliteBackend"));
  writeFileSync(join(project, "conformance-target.js"), codeBlock("js", 'name = "sqlite"'));
  const program = join(scope, "conformance/bin/deep-agent-conformance.js");
  const args = ["--no-warnings", program, "./conformance-target.js", "--json"];
  const options = { cwd: project, encoding: "utf8", timeout: 280_000 } as const;
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, options);
  if (error !== undefined) throw error;
  return { status, stderr, report: JSON.parse(stdout || "{}") as Report };
}

/** The guide's code block in that language that contains the text. */
function codeBlock(language: string, text: string): string {
  const blocks = guide.split("```").filter((_block, index) => index % 2 === 1);
  const block = blocks.find((one) => one.startsWith(`${language}\n`) && one.includes(text));
  if (block === undefined) throw new Error(`The guide has no ${language} block with ${text}.`);
  return block.slice(language.length + 1);
}

/** Its `delete` also deletes every memory whose id begins with the given id. */
class PrefixDeleting extends SqliteBackend<object> {
  override async delete(memoryId: string, options?: CallOptions): Promise<void> {
    for (const id of await this.list({ ...options, prefix: memoryId })) await super.delete(id);
  }
}

/** The member of a target that each promise needs, as the kit reports it to a test runner. No test is run. */
function facilitiesOf(bare: ConformanceTarget): Map<string, string | undefined> {
  const facilities = new Map<string, string | undefined>();
  let promise = "";
  const declare = Object.assign(() => undefined, {
    skip: (name: string) => facilities.set(promise, /the target has no `(\w+)`/.exec(name)?.[1]),
  });
  const enter = (name: string, body: () => void): void => {
    promise = name;
    body();
  };
  conformance({ describe: enter, it: declare }, bare);
  return facilities;
}
