import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { compile, compileWithoutNode } from "./support/compiler.ts";
import { olderNode } from "./support/older-node.ts";
import {
  install,
  installedHere,
  manifestIn,
  type Package,
  packageIn,
  packed,
  peersHere,
  run,
} from "./support/packing.ts";

const packages = resolve(import.meta.dirname, "../../../packages");
const published = readdirSync(packages)
  .map((folder) => join(packages, folder))
  .filter((folder) => existsSync(join(folder, "package.json")))
  .map(packageIn)
  .filter(({ manifest }) => !manifest.private);

/** The names under which users may import a package: its own name, and its name with a path. */
function doorsOf({ manifest: { name, exports = {} } }: Package): string[] {
  const paths = Object.keys(exports).filter((path) => path !== "./package.json");
  return paths.map((path) => name + path.slice(1));
}

/** The values that core exports for applications. */
const applications = [
  ...["Agent", "Conversation", "MemoryError", "OpenAIModel", "defineTool", "openBackend", "supports"],
  ...[
    "assistant",
    "fromOpenAIAnswer",
    "fromOpenAIMessage",
    "isMessage",
    "system",
    "textOf",
    "toOpenAIMessages",
    "tool",
    "user",
  ],
];

/** The values that core exports for authors of adapters, layers and bridges. */
const adapters = [
  ...["CallTracker", "KeyedQueue", "MAX_MEMORY_ID_BYTES", "MemoryError", "backendChannel", "beginsTurn"],
  ...["capabilityMethods", "checkAppend", "checkCall", "checkList", "checkMemoryId", "checkOperationId"],
  ...["checkOptionNames", "checkOptions", "checkPlainSave", "checkRead", "checkRecent", "checkSave", "cleanCause"],
  ...[
    "closed",
    "conflict",
    "decodeEntry",
    "encodeEntry",
    "encodeRecords",
    "entryPrefix",
    "errorWith",
    "invalidCursor",
    "mayHaveTakenEffect",
    "withUnknownOutcome",
  ],
  ...["newId", "parseJson", "parseTtl", "quoteId", "requiredMethods", "storeOnce", "supports", "untilAborted"],
  ...["warnOf", "windowStart"],
];

describe("a published package works in a project without other packages", () => {
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

  it.each(published)(
    "$manifest.name contains its build, README and licence, and no workspace range",
    ({ manifest }) => {
      const { name, files = [] } = manifest;
      const installed = join(project, "node_modules", name);
      // Its node_modules holds links to the programs of its dependencies.
      const contents = readdirSync(installed).filter((file) => file !== "node_modules");
      expect(files).toContain("dist");
      expect(contents.sort()).toEqual(["LICENSE", "README.md", "package.json", ...files].sort());
      expect(JSON.stringify(manifestIn(installed))).not.toContain("workspace:");
    },
  );

  describe.each(published.flatMap(doorsOf))("%s", (name) => {
    it("exports the same names to import and to require", () => {
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

    it("is refused by the compiler if an imported name is wrong", () => {
      expect(complaints(`${fileName(name)}.wrong.mts`)).toEqual([expect.stringContaining("noSuchExport")]);
    });
  });

  describe("without @types/node", () => {
    const needNode = published.filter(({ manifest }) => manifest.peerDependenciesMeta?.["@types/node"]);

    it("and without the DOM, declarations compile", () => {
      const doors = published.filter((one) => !needNode.includes(one)).flatMap(doorsOf);
      const files = doors.flatMap((name) => [`${fileName(name)}.mts`, `${fileName(name)}.cts`]);
      expect(files).not.toEqual([]);
      expect(compileWithoutNode(project, files)).toEqual([]);
    });

    it.each(needNode)("$manifest.name does not, and its README names them", ({ folder }) => {
      expect(readFileSync(join(folder, "README.md"), "utf8")).toContain("npm install --save-dev @types/node");
    });
  });

  describe("on a Node that is too old", () => {
    const node = olderNode();
    if (node === undefined) console.log("There is no Node before 22.12 on PATH: what it is told is not tested.");
    const doors = node === undefined ? [] : published.flatMap(doorsOf);

    it.each(doors)("%s says in one line which one it needs", (name) => {
      for (const load of [`import(${JSON.stringify(name)})`, `(async () => require(${JSON.stringify(name)}))()`]) {
        const program = `${load}.then(() => console.log("loaded"), (error) => console.log(error.message));`;
        expect(run(String(node), ["--eval", program], project)).toMatch(
          /^deep-agent needs Node 22\.12 or later, not \d+\S+\n$/,
        );
      }
    });
  });

  describe("core's two doors", () => {
    it("share one MemoryError, with import and with require", () => {
      const doors = ["@deep-agent/core", "@deep-agent/core/adapter"];
      const required = `[${doors.map((door) => `require("${door}").MemoryError`)}]`;
      const imported = `await Promise.all([${doors.map((door) => `import("${door}")`)}])`;
      expect(printed(`const [a, b] = ${required}; console.log(typeof a, a === b);`, "commonjs")).toBe("function true");
      const program = `const [a, b] = (${imported}).map((door) => door.MemoryError); console.log(typeof a, a === b);`;
      expect(printed(program, "module")).toBe("function true");
    });

    it.each([
      ["@deep-agent/core", applications],
      ["@deep-agent/core/adapter", adapters],
    ])("%s exports the listed names, and no others", (door, names) => {
      expect(exportsOf(`import * as all from "${door}";`, "module")).toEqual([...names].sort());
    });

    it("do not share everything: the adapter door loads no agent, conversation or model", () => {
      const program = `
        import { registerHooks } from "node:module";
        const loaded = [];
        registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
        await import("@deep-agent/core/adapter");
        const { readFileSync } = await import("node:fs");
        const texts = loaded.filter((url) => url.startsWith("file:")).map((url) => readFileSync(new URL(url), "utf8"));
        console.log(texts.length > 0, texts.some((text) => /class (Agent|Conversation|OpenAIModel)\\b/.test(text)));`;
      expect(printed(program, "module")).toBe("true false");
    });
  });

  /** The exported names that a program sees, sorted. */
  function exportsOf(statement: string, type: "module" | "commonjs"): string[] {
    return JSON.parse(printed(`${statement} console.log(JSON.stringify(Object.keys(all).sort()));`, type)) as string[];
  }

  function printed(program: string, type: "module" | "commonjs"): string {
    return run(process.execPath, [`--input-type=${type}`, "--eval", program], project).trim();
  }

  /** Writes programs that use each export of each package, and programs that use an export that does not exist. */
  function writePrograms(): string[] {
    return published.flatMap(doorsOf).flatMap((name) => {
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

  /** The compiler's messages about one of the programs, or about the packages. */
  function complaints(file: string): string[] {
    const own = new Set(programs);
    const about = (line: string): string => line.slice(0, line.indexOf("("));
    return said.filter((line) => about(line) === file || !own.has(about(line)));
  }
});

function fileName(packageName: string): string {
  return packageName.slice(1).replaceAll("/", "."); // to the compiler, an "@" begins a list of options
}
