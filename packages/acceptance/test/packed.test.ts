import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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
  let programs: string[];
  let said: string[];

  beforeAll(() => {
    const tarballs: Record<string, string> = {};
    for (const { folder, manifest } of published) {
      const packed = run("pnpm", ["pack", "--json", "--pack-destination", home], folder);
      tarballs[manifest.name] = `file:${(JSON.parse(packed) as { filename: string }).filename}`;
    }
    mkdirSync(project);
    // The overrides lead what the packages need of each other to the tarballs, and what they need of others to what is installed
    // here: no registry is asked.
    const overrides = { ...Object.assign({}, ...published.map(dependenciesHere)), ...tarballs };
    writeFileSync(
      join(project, "package.json"),
      JSON.stringify({ private: true, dependencies: tarballs, pnpm: { overrides } }),
    );
    run("pnpm", ["install", "--offline", "--no-frozen-lockfile"], project);
    programs = writePrograms();
    said = compile(programs);
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
      expect(complaints(`${fileName(name)}.${extension}`)).toEqual([]);
    });

    it("is refused by the compiler where a name is wrong", () => {
      expect(complaints(`${fileName(name)}.wrong.mts`)).toEqual([expect.stringContaining("noSuchExport")]);
    });
  });

  /** The names that a program sees, sorted. */
  function exportsOf(statement: string, type: "module" | "commonjs"): string[] {
    const program = `${statement} console.log(JSON.stringify(Object.keys(all).sort()));`;
    return JSON.parse(run(process.execPath, [`--input-type=${type}`, "--eval", program], project)) as string[];
  }

  /** Programs that use each export of each package, and one that uses none that there is. */
  function writePrograms(): string[] {
    return published.flatMap(({ manifest: { name } }) => {
      const names = exportsOf(`import * as all from "${name}";`, "module").join(", ");
      const program = `import { ${names} } from "${name}";\nexport const all: unknown[] = [${names}];\n`;
      const programs: Record<string, string> = {
        [`${fileName(name)}.mts`]: program,
        [`${fileName(name)}.cts`]: program,
        [`${fileName(name)}.wrong.mts`]: `import { noSuchExport } from "${name}";\nnoSuchExport();\n`,
      };
      for (const [file, text] of Object.entries(programs)) writeFileSync(join(project, file), text);
      return Object.keys(programs);
    });
  }

  /** What the compiler says of the programs; the packages' own types are checked too. */
  function compile(files: readonly string[]): string[] {
    const { resolve: find } = createRequire(import.meta.url);
    const types = resolve(find("@types/node/package.json"), "../..");
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", "node"];
    const tsc = [find("typescript/bin/tsc"), ...options, "--typeRoots", types, "--pretty", "false", ...files];
    const { stdout, error } = spawnSync(process.execPath, tsc, { cwd: project, encoding: "utf8", timeout: 120_000 });
    if (error !== undefined) throw error;
    return stdout.split("\n").filter((line) => line !== "");
  }

  /** What the compiler says of one of them, or of what is in the package that it is about. */
  function complaints(file: string): string[] {
    const own = new Set(programs);
    const about = (line: string): string => line.slice(0, line.indexOf("("));
    return said.filter((line) => about(line) === file || !own.has(about(line)));
  }
});

function fileName(packageName: string): string {
  return packageName.slice(1).replaceAll("/", "."); // to the compiler, an "@" begins a list of options
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Where each of a package's dependencies is installed in this workspace. */
function dependenciesHere({ folder, manifest }: { folder: string; manifest: Manifest }): Record<string, string> {
  const names = Object.keys(manifest.dependencies ?? {});
  return Object.fromEntries(names.map((name) => [name, `link:${realpathSync(join(folder, "node_modules", name))}`]));
}

/** Jest's own limits do not reach what it waits for synchronously. */
function run(command: string, options: readonly string[], cwd: string): string {
  return execFileSync(command, options, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
}
