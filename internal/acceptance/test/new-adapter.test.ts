import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { AdapterName } from "../../../scripts/new-adapter/adapter-name.ts";
import { makePackage } from "../../../scripts/new-adapter/make-package.ts";

const workspace = resolve(import.meta.dirname, "../../..");
const { resolve: find } = createRequire(import.meta.url);

/** The parts of a repository that its packages need. Its installed packages are those of this repository. */
function repository(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "deep-agent-new-adapter-")));
  for (const folder of ["packages", ".changeset", "scripts/lint"]) mkdirSync(join(root, folder), { recursive: true });
  for (const file of [
    "LICENSE",
    "biome.jsonc",
    "scripts/lint/no-export-type-all.grit",
    ".gitignore",
    "jest.config.js",
    "package.json",
    "tsconfig.base.json",
  ]) {
    copyFileSync(join(workspace, file), join(root, file));
  }
  symlinkSync(join(workspace, "node_modules"), join(root, "node_modules"), "junction");
  return root;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describe("the package that new:adapter makes works before anything in it is changed", () => {
  const root = repository();
  const folder = join(root, "packages/demo-store");
  let made: string[];

  beforeAll(() => {
    makePackage(root, new AdapterName("demo-store"));
    made = filesIn(folder);
    const scope = join(folder, "node_modules/@deep-agent");
    mkdirSync(scope, { recursive: true });
    for (const name of ["core", "conformance"]) {
      symlinkSync(join(workspace, "packages", name), join(scope, name), "junction");
    }
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it("has what a package of this repository has, and a changeset", () => {
    expect(made).toEqual([
      "LICENSE",
      "README.md",
      "package.json",
      "src/demo-store-backend.ts",
      "src/demo-store-options.ts",
      "src/from-config.ts",
      "src/index.ts",
      "src/store-error.ts",
      "src/store.ts",
      "src/stored-memory.ts",
      "test/conformance.test.ts",
      "test/demo-store-backend.test.ts",
      "test/elsewhere.worker.ts",
      "tsconfig.json",
    ]);
    const changeset = readFileSync(join(root, ".changeset/demo-store-first-release.md"), "utf8");
    expect(changeset).toMatch(/^---\n"@deep-agent\/demo-store": minor\n---\n\n\S/);
    expect(readdirSync(join(root, "packages"))).toEqual(["demo-store"]);
    for (const file of made) expect(readFileSync(join(folder, file), "utf8")).not.toMatch(/\{\{\w+\}\}/);
  });

  it("has the manifest of a published package, but for its name and what it depends on", () => {
    const manifest = manifestIn(folder);
    const model = manifestIn(join(workspace, "packages/in-memory"));
    expect(Object.keys(manifest).filter((name) => name !== "devDependencies")).toEqual(Object.keys(model));
    for (const same of [
      "exports",
      "files",
      "scripts",
      "engines",
      "publishConfig",
      "type",
      "license",
      "main",
      "types",
    ]) {
      expect(manifest[same]).toEqual(model[same]);
    }
    expect(manifest["name"]).toBe("@deep-agent/demo-store");
    expect(manifest["dependencies"]).toEqual({ "@deep-agent/core": "workspace:^" });
  });

  it("compiles", () => {
    expect(run(folder, find("typescript/bin/tsc"), "--pretty", "false")).toEqual({ status: 0, output: "" });
  });

  it("passes the linter after the fixes that new:adapter lets it make", () => {
    const { status, output } = run(root, find("@biomejs/biome/bin/biome"), "check", "--write", "packages/demo-store");
    expect(output).toMatch(/^Checked 12 files in [^\n]*\n$/);
    expect(status).toBe(0);
  });

  it("keeps the contract, and passes its other tests", () => {
    const results = join(root, "results.json");
    const jest = ["--config", "../../jest.config.js", "--ci", "--json", `--outputFile=${results}`];
    run(folder, find("jest/bin/jest"), ...jest);
    const { success, testResults } = JSON.parse(readFileSync(results, "utf8")) as Results;
    const passed = testResults.flatMap((file) => file.assertionResults).filter(({ status }) => status === "passed");
    expect(success).toBe(true);
    expect(passed.map(({ fullName }) => fullName)).toContain(
      "demo-store keeps the contract any valid id is safe, and any other id is rejected paths and device names",
    );
    expect(testResults).toHaveLength(2);
  });
});

describe("new:adapter refuses what it cannot do, and leaves everything as it is", () => {
  it.each([
    ["", "begin with a lowercase letter"],
    ["Demo", "begin with a lowercase letter"],
    ["3d", "begin with a lowercase letter"],
    ["-rf", "begin with a lowercase letter"],
    ["../evil", "begin with a lowercase letter"],
    ["demo_store", "lowercase letters, digits and single hyphens"],
    ["demo--store", "lowercase letters, digits and single hyphens"],
    ["demo-", "lowercase letters, digits and single hyphens"],
    ["demo store", "lowercase letters, digits and single hyphens"],
    ["a/b", "lowercase letters, digits and single hyphens"],
    ["démo", "lowercase letters, digits and single hyphens"],
    ["demo\n", "lowercase letters, digits and single hyphens"],
    ["@acme/demo", "leave out the scope"],
    ["demo-backend", 'leave out the ending "backend"'],
    ["x".repeat(51), "longer than 50"],
  ])("the name %j", (name, problem) => {
    expect(() => new AdapterName(name)).toThrow(problem);
  });

  it.each([
    ["s3", "S3"],
    ["demo-store", "DemoStore"],
    ["a-1-b", "A1B"],
  ])("but not the name %j, from which it makes the class name %s", (name, className) => {
    expect(new AdapterName(name).className).toBe(className);
  });

  it.each(["packages/demo-store/notes.txt", ".changeset/demo-store-first-release.md"])(
    "to replace an existing %s",
    (path) => {
      const root = repository();
      try {
        mkdirSync(join(root, path, ".."), { recursive: true });
        writeFileSync(join(root, path), "mine");
        expect(() => makePackage(root, new AdapterName("demo-store"))).toThrow("exists already");
        expect(readFileSync(join(root, path), "utf8")).toBe("mine");
        expect([...readdirSync(join(root, "packages")), ...readdirSync(join(root, ".changeset"))]).toHaveLength(1);
      } finally {
        rmSync(root, { recursive: true });
      }
    },
  );

  it("a package that it cannot finish", () => {
    const root = repository();
    try {
      rmSync(join(root, "LICENSE"));
      expect(() => makePackage(root, new AdapterName("demo-store"))).toThrow("LICENSE");
      expect([...readdirSync(join(root, "packages")), ...readdirSync(join(root, ".changeset"))]).toEqual([]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it("a command line without a name, or with two", () => {
    for (const args of [[], ["a", "b"], ["Demo"]]) {
      const { status, output } = run(workspace, join(workspace, "scripts/new-adapter.ts"), ...args);
      expect(output).toMatch(/^(Usage: npx -y pnpm@10\.34\.9 new:adapter NAME|Invalid adapter name "Demo").*\n$/);
      expect(status).toBe(1);
    }
  });
});

interface Results {
  success: boolean;
  testResults: { assertionResults: { fullName: string; status: string }[] }[];
}

function manifestIn(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
}

/** Runs a program: its output and exit status. It has a limit of its own: jest's cannot end a synchronous wait. */
function run(cwd: string, program: string, ...args: string[]): { status: number | null; output: string } {
  const options = { cwd, encoding: "utf8", timeout: 120_000 } as const;
  const { status, stdout, stderr, error } = spawnSync(process.execPath, ["--no-warnings", program, ...args], options);
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}
