import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";

interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  dependencies?: Record<string, string>;
}

const packages = resolve(import.meta.dirname, "../..");
const published = readdirSync(packages)
  .map((folder) => join(packages, folder))
  .filter((folder) => existsSync(join(folder, "package.json")))
  .map((folder) => ({ folder, manifest: manifestIn(folder) }))
  .filter(({ manifest }) => !manifest.private);

describe("a published package works in a project that has nothing else", () => {
  const home = mkdtempSync(join(tmpdir(), "deep-agent-packed-"));
  const project = join(home, "project");

  beforeAll(() => {
    const tarballs: Record<string, string> = {};
    for (const { folder, manifest } of published) {
      const packed = run("pnpm", ["pack", "--json", "--pack-destination", home], folder);
      tarballs[manifest.name] = `file:${(JSON.parse(packed) as { filename: string }).filename}`;
    }
    mkdirSync(project);
    // The overrides lead what the packages need of each other to the tarballs too.
    writeFileSync(
      join(project, "package.json"),
      JSON.stringify({ private: true, dependencies: tarballs, pnpm: { overrides: tarballs } }),
    );
    run("pnpm", ["install", "--prefer-offline", "--no-frozen-lockfile"], project);
  }, 300_000);

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  describe.each(published)("$manifest.name", ({ manifest: { name } }) => {
    it("contains its build, README and licence, and no workspace", () => {
      const installed = join(project, "node_modules", name);
      expect(readdirSync(installed).sort()).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
      expect(JSON.stringify(manifestIn(installed))).not.toContain("workspace:");
    });

    it("exports the same to import and to require", () => {
      const imported = exportsOf(`import * as all from "${name}";`, "module");
      const required = exportsOf(`const all = require("${name}");`, "commonjs");
      expect(imported).not.toEqual([]);
      expect(required).toEqual(imported);
    });

    it("has a build of its own for require", () => {
      const node = ["--eval", `console.log(require.resolve("${name}"))`];
      expect(run(process.execPath, node, project).trim()).toMatch(/\.cjs$/);
    });

    it.each(["mts", "cts"])("is typed for a .%s file, each export by its name", (extension) => {
      const names = exportsOf(`import * as all from "${name}";`, "module").join(", ");
      const program = `import { ${names} } from "${name}";\nexport const all: unknown[] = [${names}];\n`;
      expect(compile(`typed.${extension}`, program)).toBe("");
    });

    it("is refused by the compiler where a name is wrong", () => {
      const program = `import { noSuchExport } from "${name}";\nnoSuchExport();\n`;
      expect(compile("wrong.mts", program)).toContain("noSuchExport");
    });
  });

  /** The names that a program sees, sorted. */
  function exportsOf(statement: string, type: "module" | "commonjs"): string[] {
    const program = `${statement} console.log(JSON.stringify(Object.keys(all).sort()));`;
    return JSON.parse(run(process.execPath, [`--input-type=${type}`, "--eval", program], project)) as string[];
  }

  /** What the compiler says of the program; the packages' own types are checked too. */
  function compile(file: string, program: string): string {
    writeFileSync(join(project, file), program);
    const { resolve: find } = createRequire(import.meta.url);
    const types = resolve(find("@types/node/package.json"), "../..");
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", "node"];
    const tsc = [find("typescript/bin/tsc"), ...options, "--typeRoots", types, "--pretty", "false", file];
    return spawnSync(process.execPath, tsc, { cwd: project, encoding: "utf8" }).stdout;
  }
});

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

function run(command: string, options: readonly string[], cwd: string): string {
  return execFileSync(command, options, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
