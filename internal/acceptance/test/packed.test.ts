import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { compile } from "./support/compiler.ts";
import { install, installedHere, manifestIn, packageIn, packed, peersHere, run } from "./support/packing.ts";

const packages = resolve(import.meta.dirname, "../..");
const published = readdirSync(packages)
  .map((folder) => join(packages, folder))
  .filter((folder) => existsSync(join(folder, "package.json")))
  .map(packageIn)
  .filter(({ manifest }) => !manifest.private);

describe("a published package works in a project that has nothing else", () => {
  const home = mkdtempSync(join(tmpdir(), "deep-agent-packed-"));
  const project = join(home, "project");
  let programs: string[];
  let said: string[];

  beforeAll(() => {
    const tarballs = Object.fromEntries(published.map(({ folder, manifest }) => [manifest.name, packed(folder, home)]));
    mkdirSync(project);
    const dependencies = { ...tarballs, ...peersHere(published) };
    install(project, { private: true, dependencies }, { ...installedHere(published), ...tarballs });
    programs = writePrograms();
    said = compile(project, programs);
  }, 300_000);

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  describe.each(published)("$manifest.name", ({ manifest: { name, files = [] } }) => {
    it("contains its build, README and licence, and no workspace", () => {
      const installed = join(project, "node_modules", name);
      // The programs of what it depends on are linked into it.
      const contents = readdirSync(installed).filter((file) => file !== "node_modules");
      expect(files).toContain("dist");
      expect(contents.sort()).toEqual(["LICENSE", "README.md", "package.json", ...files].sort());
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
