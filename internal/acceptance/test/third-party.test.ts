import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { compile } from "./support/compiler.ts";
import {
  install,
  installedHere,
  linkTo,
  type Manifest,
  manifestIn,
  packageIn,
  packed,
  run,
} from "./support/packing.ts";

const workspace = resolve(import.meta.dirname, "../../..");
const example = join(workspace, "examples/third-party-adapter");
const core = packageIn(join(workspace, "packages/core"));
const kit = packageIn(join(workspace, "packages/conformance"));

describe("an adapter of another project, with published packages alone", () => {
  const home = mkdtempSync(join(tmpdir(), "deep-agent-third-party-"));
  /** The folder with a copy of the example, as its authors have it. */
  const adapter = join(home, "adapter");
  /** The folder of a program that uses the adapter. */
  const application = join(home, "application");

  beforeAll(() => {
    const ours = Object.fromEntries([core, kit].map(({ folder, manifest }) => [manifest.name, packed(folder, home)]));
    const overrides = { ...installedHere([core, kit]), ...ours };
    cpSync(example, adapter, { recursive: true, filter: (path) => !["node_modules", "dist"].includes(basename(path)) });
    const tools = Object.fromEntries(["typescript", "@types/node"].map((name) => [name, linkTo(name, example)]));
    install(adapter, withoutWorkspace(manifestIn(example)), { ...overrides, ...tools });

    const dependencies = {
      [core.manifest.name]: ours[core.manifest.name],
      "@acme/memory-sqlite": packed(adapter, home),
    };
    mkdirSync(application);
    install(application, { private: true, type: "module", dependencies }, overrides);
  }, 300_000);

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it("keeps the contract, and passes its other tests, by node:test", () => {
    // With this variable, node:test would treat the process as a child of its own.
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    const files = readdirSync(join(adapter, "test")).filter((file) => file.endsWith(".test.ts"));
    const args = ["--no-warnings", "--test", "--test-reporter=tap", ...files.map((file) => join("test", file))];
    const options = { cwd: adapter, env, encoding: "utf8", timeout: 290_000 } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
    expect(stdout.split("\n").filter((line) => line.trim().startsWith("not ok"))).toEqual([]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/ok \d+ - two instances write the same memory, and each sees what the other wrote/);
    expect(stdout).toMatch(/ok \d+ - a log reports the loss of acknowledged entries/);
    expect(stdout).toMatch(/^# fail 0$/m);
    // SQLite does not expire memories. Every other promise is tested.
    const skipped = stdout.split("\n").filter((line) => line.includes("# SKIP"));
    expect(skipped.filter((line) => !line.includes("the target has no `ttl`"))).toEqual([]);
  }, 300_000);

  it("has the kit's own program at hand", () => {
    expect(run("pnpm", ["exec", "deep-agent-conformance", "--help"], adapter)).toMatch(
      /^Usage: deep-agent-conformance /,
    );
  });

  it("is published with its build, and with versions of its dependencies", () => {
    const installed = join(application, "node_modules/@acme/memory-sqlite");
    expect(readdirSync(installed).sort()).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
    expect(readdirSync(join(installed, "dist"))).toContain("index.d.ts");
    expect(manifestIn(installed).dependencies).toEqual({ "@deep-agent/core": `^${core.manifest.version}` });
  });

  it("is opened by its name, and remembers in another process", () => {
    const program = join(application, "main.mjs");
    writeFileSync(program, applicationProgram);
    const node = (...args: string[]): unknown =>
      JSON.parse(run(process.execPath, ["--no-warnings", program, ...args], application));
    expect(node("My name is Alice")).toEqual([]);
    expect(node("What is my name?")).toEqual(["My name is Alice", "You said: My name is Alice"]);
    expect(readdirSync(application)).toContain("memories.db");
  });

  it("is typed for its users", () => {
    const uses = `
      import { Agent, type ChatModel, supports } from "@deep-agent/core";
      import { SqliteBackend } from "@acme/memory-sqlite";

      declare const model: ChatModel;
      const backend = new SqliteBackend({ path: "memories.db" });
      new Agent({ model, longMemory: "alice", backend });
      if (!supports(backend, "log")) throw new Error();
      // @ts-expect-error This option does not exist.
      new SqliteBackend({ file: "memories.db" });
    `;
    writeFileSync(join(application, "uses.mts"), uses);
    expect(compile(application, ["uses.mts"])).toEqual([]);
  });
});

/** Replaces workspace ranges by versions, as publishing does. The overrides then resolve them to the tarballs. */
function withoutWorkspace(manifest: Manifest): Manifest {
  const versions = new Map([core, kit].map(({ manifest: { name, version } }) => [name, `^${version}`]));
  const named = (dependencies: Record<string, string> = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(dependencies).map(([name, range]) => [name, versions.get(name) ?? range]));
  return {
    ...manifest,
    dependencies: named(manifest.dependencies),
    devDependencies: named(manifest.devDependencies),
  };
}

/** The model of this program answers with the user's text. It prints the messages that it got before that text. */
const applicationProgram = `
  import { Agent, openBackend } from "@deep-agent/core";

  const backend = await openBackend({ adapter: "@acme/memory-sqlite", path: "memories.db" });
  const model = {
    async *generate({ messages }) {
      console.log(JSON.stringify(messages.slice(0, -1).map(({ content }) => content)));
      yield { type: "text", text: "You said: " + messages.at(-1).content };
      yield { type: "finish" };
    },
  };
  await new Agent({ model, longMemory: "user-alice", backend }).ask(process.argv[2]);
  await backend.close();
`;
