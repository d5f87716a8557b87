import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { workspace } from "./support/copied-sources.ts";
import { type OfflineModel, startOfflineModel } from "./support/offline-model.ts";
import { install, installedHere, linkTo, packageIn, packed, peersHere, run } from "./support/packing.ts";

/*
 * Applications with the published packages: one line of Node, tests of Jest without any configuration, and a bundle.
 */

const published = readdirSync(join(workspace, "packages")).map((name) => packageIn(join(workspace, "packages", name)));
const home = realpathSync(mkdtempSync(join(tmpdir(), "deep-agent-applications-")));
const project = join(home, "project");
const core = packageIn(join(workspace, "packages/core"));
const esmNames = 'import { Agent, openBackend } from "@deep-agent/core";';
const cjsNames = 'const { Agent, openBackend } = require("@deep-agent/core");';
let tarballs: Record<string, string>;
let model: OfflineModel;
let redis: RedisServer;

beforeAll(async () => {
  tarballs = Object.fromEntries(published.map(({ folder, manifest }) => [manifest.name, packed(folder, home)]));
  const tools = {
    openai: linkTo("openai", join(workspace, "packages/core")),
    jest: linkTo("jest", workspace),
  };
  mkdirSync(project);
  const dependencies = { ...tarballs, ...peersHere(published), ...tools };
  install(project, { private: true, dependencies }, { ...installedHere(published), ...tarballs });
  [model, redis] = await Promise.all([startOfflineModel(), startRedis()]);
}, 300_000);

afterAll(async () => {
  await Promise.all([model.stop(), redis[Symbol.asyncDispose]()]);
  rmSync(home, { recursive: true });
});

/** What a program writes in the project, or beside it, with this Node first on PATH and nothing of Jest's. */
function inProject(command: string, args: readonly string[], env: Record<string, string>, cwd = project): string {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(OPENAI|JEST|NODE|FORCE_COLOR|CI$)/.test(name));
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`;
  return run(command, args, cwd, 120_000, { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env, PATH });
}

describe("an agent with no options", () => {
  it("asks the server that the environment names, in one line of Node", () => {
    const line = `import { Agent } from "@deep-agent/core"; console.log(await Agent.openAI("gpt-4").ask("My name is Alice"))`;
    expect(inProject("node", ["--input-type=module", "-e", line], model.env)).toMatch(
      /^Noted: your name is Alice\.\n$/,
    );
  });

  it("says which variable is missing", () => {
    const line = `import { Agent } from "@deep-agent/core"; try { Agent.openAI("gpt-4") } catch (error) { console.log(error.message) }`;
    const said = inProject("node", ["--input-type=module", "-e", line], {});
    expect(said).toMatch(/^The OpenAI model has no API key\. Set the variable OPENAI_API_KEY, or pass `apiKey`\./);
  });
});

describe("in Jest with CommonJS, without configuration and flags", () => {
  it("the README's quick start runs, and every backend can be opened by its URL", () => {
    writeFileSync(join(project, "application.test.js"), jestTests());
    const env = { ...model.env, REDIS_URL: redis.url, MEMORIES: join(project, "by-url") };
    const report = JSON.parse(inProject(join(project, "node_modules/.bin/jest"), ["--json"], env)) as JestReport;
    const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
    expect(results.map(({ status, title }) => `${status}: ${title}`)).toEqual([
      "passed: the quick start remembers",
      "passed: opens memory:",
      "passed: opens file:",
      "passed: opens redis:",
      "passed: an error is a MemoryError of the core that the application requires",
      "passed: an adapter that is for import only is told as such",
      ...published.map(({ manifest: { name } }) => `passed: requires ${name}`),
    ]);
    expect(readdirSync(join(project, "memories"))).toHaveLength(1);
  });

  interface JestReport {
    testResults: { assertionResults: { status: string; title: string }[] }[];
  }

  function jestTests(): string {
    const imports = join(project, "node_modules/import-only");
    mkdirSync(imports);
    writeFileSync(join(imports, "package.json"), JSON.stringify({ type: "module", exports: { import: "./index.js" } }));
    writeFileSync(join(imports, "index.js"), "export const fromConfig = () => ({});\n");
    return `
      const { Agent, MemoryError, openBackend } = require("@deep-agent/core");

      async function quickStart() {
        ${required(quickStart())}
      }

      test("the quick start remembers", async () => {
        const log = jest.spyOn(console, "log").mockImplementation(() => {});
        process.argv.length = 2;
        await quickStart();
        process.argv.push("What is my favorite color?");
        await quickStart();
        expect(log.mock.calls).toEqual([["Noted: your favorite color is blue."], ["Your favorite color is blue."]]);
        log.mockRestore();
      });

      test.each([
        ["memory:", "memory:"],
        ["file:", "file:" + process.env.MEMORIES],
        ["redis:", process.env.REDIS_URL],
      ])("opens %s", async (_scheme, url) => {
        const backend = await openBackend(url);
        const agent = () => Agent.openAI("gpt-4").withLongMemory("user-alice").usingBackend(backend);
        await agent().ask("My name is Alice");
        expect(await agent().ask("What is my name?")).toBe("Your name is Alice.");
        await backend.close();
      });

      test("an error is a MemoryError of the core that the application requires", async () => {
        const backend = await openBackend("memory:");
        await expect(backend.load("")).rejects.toBeInstanceOf(MemoryError);
        await expect(openBackend("memory:?ttl=never")).rejects.toBeInstanceOf(MemoryError);
      });

      test("an adapter that is for import only is told as such", async () => {
        await expect(openBackend({ adapter: "import-only" })).rejects.toMatchObject({
          code: "INVALID_CONFIG",
          message: expect.stringMatching(/no CommonJS form.*--experimental-vm-modules/),
        });
      });

      test.each(${JSON.stringify(published.map(({ manifest: { name } }) => name))})("requires %s", (name) => {
        expect(Object.keys(require(name))).not.toEqual([]);
      });
    `;
  }

  /** The program of the README's quick start. */
  function quickStart(): string {
    const readme = readFileSync(join(workspace, "README.md"), "utf8");
    const [, section = ""] = readme.split(/^## Quick start$/m);
    const [, program = ""] = /^```ts\n([\s\S]*?)^```$/m.exec(section) ?? [];
    expect(program).toContain("FileBackend");
    return program;
  }

  /** The program, with `require` in place of `import`. */
  function required(program: string): string {
    return program.replaceAll(/^import (\{.*\}) from (".*");$/gm, "const $1 = require($2);");
  }
});

describe.each(["esm", "cjs"] as const)("in a bundle for Node, of format %s, far from any node_modules", (format) => {
  const load = '{ load: () => import("@deep-agent/file") }';
  const [extension, coreNames] = format === "esm" ? ["mjs", esmNames] : ["cjs", cjsNames];

  it("openBackend says what to write, and that works", () => {
    const said = bundled(project, "without", opening(""));
    expect(said).toMatch(/^INVALID_CONFIG: .*"@deep-agent\/file" was not found/);
    expect(said).toContain(`In a bundle, also write openBackend(config, ${load}).`);
    expect(bundled(project, "with", opening(`, ${load}`))).toBe("Noted: your name is Alice.\n");
    expect(readdirSync(join(home, "deployed", format, "with", "memories"))).toHaveLength(1);
  });

  it("the SDK may be missing, and is told to be", () => {
    const bare = join(home, `bare-${format}`);
    mkdirSync(bare);
    const ours = { [core.manifest.name]: tarballs[core.manifest.name] };
    install(bare, { private: true, dependencies: ours }, { ...installedHere([core]), ...tarballs });
    expect(bundled(bare, "bare", `await Agent.openAI("gpt-4").ask("Hello");`)).toMatch(
      /^INVALID_CONFIG: The package `openai` is not installed/,
    );
  });

  function opening(options: string): string {
    return `
      const backend = await openBackend("file:./memories"${options});
      const ai = Agent.openAI("gpt-4").withLongMemory("user-alice").usingBackend(backend);
      console.log(await ai.ask("My name is Alice"));`;
  }

  /** What a program with this code in an async function says, when only its bundle is there. */
  function bundled(application: string, name: string, code: string): string {
    const source = join(application, `${name}.${extension}`);
    const report = `console.log(error.code + ": " + error.message)`;
    writeFileSync(source, `${coreNames}\nasync function main() { ${code} }\nmain().catch((error) => ${report});`);
    const folder = join(home, "deployed", format, name);
    mkdirSync(folder, { recursive: true });
    const bundle = join(folder, basename(source));
    const flags = ["--bundle", "--platform=node", `--format=${format}`, "--log-level=warning", `--outfile=${bundle}`];
    // The program itself, not pnpm's link to it, which also finds the packages of this repository.
    const esbuild = join(realpathSync(join(workspace, "node_modules/esbuild")), "bin/esbuild");
    inProject(esbuild, [source, ...flags], {}, application);
    return inProject("node", [bundle], model.env, folder);
  }
});
