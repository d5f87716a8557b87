import { mkdir, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Application, builtCore, cjs, esm, type Opened, type OpenOptions } from "./support/application.ts";

/*
 * These tests run the build in separate programs. Tests that need no real `import()` are in backend-config.test.ts.
 */

let app: Application;
beforeAll(async () => {
  app = await Application.create();
});
afterAll(() => app.remove());

async function openOne(config: unknown, options?: OpenOptions): Promise<Opened> {
  const [opened] = await app.open([config], options);
  return opened ?? {};
}

describe.each(["esm", "cjs"] as const)("an adapter of any format can be opened from core's %s build", (format) => {
  beforeAll(async () => {
    await app.install("esm-only", {
      "package.json": { type: "module", exports: { ".": { types: "./index.d.ts", import: "./dist/index.js" } } },
      "dist/index.js": esm("esm-only"),
    });
    await app.install("cjs-only", { "package.json": { main: "./lib" }, "lib/index.js": cjs("cjs-only") });
    await app.install("dual", {
      "package.json": {
        type: "module",
        main: "./index.cjs",
        exports: { ".": { require: "./index.cjs", import: { types: "./index.d.ts", default: "./index.js" } } },
      },
      "index.js": esm("dual, esm"),
      "index.cjs": cjs("dual, cjs"),
    });
    await app.install("short", { "package.json": { exports: "./only.mjs" }, "only.mjs": esm("short") });
    await app.install("sync", {
      "package.json": { exports: { "module-sync": "./sync.mjs", default: "./other.js" } },
      "sync.mjs": esm("sync"),
      "other.js": cjs("not sync"),
    });
    await app.install("bare", { "package.json": {}, "index.js": cjs("bare") });
    await app.install("fs", { "package.json": {}, "index.js": cjs("a package named like a built-in module") });
    await app.install("undetected", {
      "package.json": {},
      // Node cannot detect the exports from the text.
      "index.js": `const made = {}; made["from" + "Config"] = (config) => require("./other.js").fromConfig(config); module.exports = made;`,
      "other.js": cjs("undetected"),
    });
    await app.install("transpiled", {
      "package.json": {},
      "index.js": `Object.defineProperty(exports, "__esModule", { value: true });\n${cjs("transpiled")}`,
    });
    await app.install("default", {
      "package.json": { type: "module", exports: "./index.js" },
      "index.js": `${esm("default").replace("export ", "")}\nexport default { fromConfig };`,
    });
    await app.install("@acme/memory-s3", {
      "package.json": {
        type: "module",
        exports: { ".": "./main.js", "./lite": { import: "./lite.js" }, "./plug/*": "./plugs/*.js" },
      },
      "main.js": esm("@acme/memory-s3"),
      "lite.js": esm("@acme/memory-s3/lite"),
      "plugs/a.js": esm("@acme/memory-s3/plug/a"),
    });
    await app.install("open-files", {
      "package.json": {},
      "redis.js": cjs("open-files/redis"),
      "x/y.mjs": esm("open-files/x/y.mjs"),
    });
    await app.install("late", {
      "package.json": { type: "module", exports: "./index.js" },
      "index.js": `await new Promise(setImmediate);\n${esm("late").replace("function", "async function")}`,
    });
    await app.write({ "adapters/own.mjs": esm("own.mjs"), "adapters/old/index.js": cjs("old") });
  });

  it("with any kind of package.json", async () => {
    const names = [
      ...["esm-only", "cjs-only", "short", "sync", "bare", "undetected", "transpiled", "default", "late"],
      ...[
        "@acme/memory-s3",
        "@acme/memory-s3/lite",
        "@acme/memory-s3/plug/a",
        "open-files/redis",
        "open-files/x/y.mjs",
      ],
    ];
    const opened = await app.open(
      names.map((adapter) => ({ adapter })),
      { format },
    );
    expect(opened.map(({ from, error }) => error ?? from)).toEqual(names);
  });

  it("by that form of a dual package which has the same format", async () => {
    expect((await openOne({ adapter: "dual" }, { format })).from).toBe(`dual, ${format}`);
  });

  it("and an error of the module itself is told, whatever it is", async () => {
    const failing = `throw Object.assign(new Error("no credentials"), { code: "ERR_ACME" });`;
    await app.install("failing-esm", {
      "package.json": { type: "module", exports: "./index.js" },
      "index.js": `${esm("failing")}\n${failing}`,
    });
    await app.install("failing-cjs", { "package.json": {}, "index.js": failing });
    for (const adapter of ["failing-esm", "failing-cjs"]) {
      const { error } = await openOne({ adapter }, { format });
      expect(error).toMatchObject({ code: "INVALID_CONFIG", causeCode: "ERR_ACME" });
      expect(error?.message).toMatch(/could not be loaded\. See the cause\.$/);
    }
  });

  it("by the package if a module built into Node has the same name", async () => {
    expect((await openOne({ adapter: "fs" }, { format })).from).toBe("a package named like a built-in module");
  });

  it("by a path, relative or absolute", async () => {
    const paths = ["./adapters/own.mjs", join(app.folder, "adapters/own.mjs"), "./adapters/old"];
    const opened = await app.open(
      paths.map((adapter) => ({ adapter })),
      { format },
    );
    expect(opened.map(({ from, error }) => error ?? from)).toEqual(["own.mjs", "own.mjs", "old"]);
  });

  it("with its whole config, frozen", async () => {
    const config = { adapter: "dual", url: "s3://bucket", deep: { list: [1] } };
    expect(await openOne(config, { format })).toMatchObject({ config, frozen: true });
  });
});

describe("the scheme of an address chooses the package", () => {
  it("and the address is passed on unchanged", async () => {
    for (const name of ["@deep-agent/redis", "@deep-agent/file", "@deep-agent/in-memory"]) {
      await app.install(name, { "package.json": { type: "module", exports: "./index.js" }, "index.js": esm(name) });
    }
    const chosen = [
      ["redis://host:6379/2?ttl=24h&prefix=app:", "@deep-agent/redis"],
      ["rediss://user:p%40ss@host", "@deep-agent/redis"],
      ["REDIS://host", "@deep-agent/redis"],
      ["file:./memories", "@deep-agent/file"],
      ["file:///var/memories", "@deep-agent/file"],
      ["memory:", "@deep-agent/in-memory"],
    ];
    const opened = await app.open(chosen.map(([url]) => url));
    expect(opened.map(({ from, config }) => [config?.["url"], from])).toEqual(chosen);
    expect(opened.map(({ config }) => config?.["adapter"])).toEqual(chosen.map(([, adapter]) => adapter));
    expect(await openOne(" memory:\n")).toMatchObject({ config: { url: "memory:" } });
  });
});

describe("the adapter is the application's dependency", () => {
  it("not core's: core's own dependencies are not found", async () => {
    const { error } = await openOne({ adapter: "ms" });
    expect(error).toMatchObject({ code: "INVALID_CONFIG", message: expect.stringContaining("npm install ms") });
  });

  it("found from a deeper folder", async () => {
    const cwd = join(app.folder, "packages/deep/down");
    await mkdir(cwd, { recursive: true });
    await app.install("upwards", { "package.json": {}, "index.js": cjs("upwards") });
    expect((await openOne({ adapter: "upwards" }, { cwd })).from).toBe("upwards");
  });

  it("found from the program's folder if the working directory has none", async () => {
    await app.install("../program/node_modules/beside", { "package.json": {}, "index.js": cjs("beside the program") });
    const cwd = join(app.folder, "elsewhere");
    await mkdir(cwd, { recursive: true });
    expect((await openOne({ adapter: "beside" }, { cwd, program: "program/main" })).from).toBe("beside the program");
    expect((await openOne({ adapter: "beside" }, { cwd })).error?.message).toContain(cwd);
  });

  it("found from the real folder of a program that is started by a link", async () => {
    await app.open([], { program: "program/linked" });
    await mkdir(join(app.folder, "elsewhere/.bin"), { recursive: true });
    const link = join(app.folder, "elsewhere/.bin/run.mjs");
    await symlink(join(app.folder, "program/linked.mjs"), link);
    const output = await app.run(link, [JSON.stringify([{ adapter: "beside" }])], join(app.folder, "elsewhere"));
    expect(JSON.parse(output)).toMatchObject([{ from: "beside the program" }]);
  });

  it("found from the folder that is itself the program", async () => {
    await app.write({
      "program/package.json": { main: "./main.mjs" },
      "program/main.mjs": `import { openBackend } from ${JSON.stringify(builtCore("esm"))};
        process.stdout.write((await openBackend({ adapter: "beside" })).from);`,
    });
    const output = await app.run(join(app.folder, "program"), [], join(app.folder, "elsewhere"));
    expect(output).toBe("beside the program");
  });

  it("found from the working directory first", async () => {
    await app.install("../program/node_modules/both", { "package.json": {}, "index.js": cjs("of the program") });
    await app.install("both", { "package.json": {}, "index.js": cjs("of the working directory") });
    expect((await openOne({ adapter: "both" }, { program: "program/main" })).from).toBe("of the working directory");
  });

  it("the very module that the application imports or requires itself, links and all", async () => {
    const counting = "globalThis.loaded = (globalThis.loaded ?? 0) + 1;";
    await app.install("linked", {
      "package.json": { type: "module", exports: { import: "./index.js", require: "./index.cjs" } },
      "index.js": `${esm("linked")}\n${counting}`,
      "index.cjs": `${cjs("linked cjs")}\n${counting}`,
    });
    await mkdir(join(app.folder, "store"));
    await rename(join(app.folder, "node_modules/linked"), join(app.folder, "store/linked"));
    await symlink(join(app.folder, "store/linked"), join(app.folder, "node_modules/linked"));
    await app.write({
      "own.mjs": `import "linked";
        import { openBackend } from ${JSON.stringify(builtCore("esm"))};
        const { from } = await openBackend({ adapter: "linked" });
        process.stdout.write(from + " " + globalThis.loaded);`,
      "own.cjs": `require("linked");
        const { openBackend } = require(${JSON.stringify(builtCore("cjs"))});
        openBackend({ adapter: "linked" }).then(({ from }) => process.stdout.write(from + " " + globalThis.loaded));`,
    });
    expect(await app.run(join(app.folder, "own.mjs"))).toBe("linked 1");
    expect(await app.run(join(app.folder, "own.cjs"))).toBe("linked cjs 1");
  });

  it("found even if there is no program file", async () => {
    const code = `require(${JSON.stringify(builtCore("cjs"))}).openBackend({ adapter: "dual" }).then((b) => console.log(b.from))`;
    expect(await app.run("-e", [code])).toBe("dual, cjs\n");
    expect(await app.run("-e", [code, "no-such-file"])).toBe("dual, cjs\n");
  });
});

describe("an adapter that is installed but cannot be used is not reported as missing", () => {
  async function errorOf(adapter: string): Promise<NonNullable<Opened["error"]>> {
    const { error } = await openOne({ adapter });
    if (error === undefined) throw new Error(`${adapter} was opened.`);
    return error;
  }

  it.each<[string, Record<string, string | object>, string, RegExp]>([
    [
      "throws",
      { "package.json": {}, "index.js": "throw new TypeError('no credentials');" },
      "TypeError",
      /no credentials/,
    ],
    [
      "is not JavaScript",
      { "package.json": {}, "index.mjs": "export {{", "index.js": "import('./x' ..." },
      "SyntaxError",
      /./,
    ],
    [
      "needs a package that is missing",
      { "package.json": { type: "module" }, "index.js": "import 'no-such-package';" },
      "Error",
      /no-such-package/,
    ],
    ["has no such file", { "package.json": { main: "./gone.js" } }, "Error", /gone\.js/],
    ["has no such export", { "package.json": { exports: { "./other": "./other.js" } } }, "Error", /"\." specifier/],
    [
      "has only exports for require",
      { "package.json": { exports: { require: "./index.js" } }, "index.js": cjs("no") },
      "Error",
      /No known conditions/,
    ],
    ["has a broken package.json", { "package.json": "{" }, "SyntaxError", /JSON/],
  ])("one that %s", async (_name, files, causeName, cause) => {
    const name = `broken-${_name.replaceAll(/\W/g, "-")}`;
    await app.install(name, files);
    const error = await errorOf(name);
    expect(error).toMatchObject({ code: "INVALID_CONFIG", causeName });
    expect(error.message).toMatch(/could not be loaded/);
    expect(error.message).not.toMatch(/npm install/);
    expect(error.shown).toMatch(cause);
  });

  it("one without fromConfig", async () => {
    await app.install("left-pad", { "package.json": {}, "index.js": "module.exports = () => {};" });
    await app.install("nothing", { "package.json": {}, "index.js": "module.exports = null;" });
    for (const name of ["left-pad", "nothing"]) {
      const error = await errorOf(name);
      expect(error.code).toBe("INVALID_CONFIG");
      expect(error.message).toContain(`"${name}" does not export \`fromConfig\``);
    }
  });

  it("a missing one, with the command that installs it, and what to write in a bundle", async () => {
    const missing = [
      [{ adapter: "@acme/absent/lite" }, /Install it: npm install @acme\/absent\. .* import\("@acme\/absent\/lite"\)/],
      [
        { adapter: "absent" },
        /Install it: npm install absent\. In a bundle, .* \{ load: \(\) => import\("absent"\) \}/,
      ],
      [{ adapter: "./absent.js" }, /Check the path\. In a bundle, .* import\("\.\/absent\.js"\)/],
    ] as const;
    for (const [config, hint] of missing) {
      const { error } = await openOne(config);
      expect(error?.code).toBe("INVALID_CONFIG");
      expect(error?.message).toContain(`"${config.adapter}" was not found from ${app.folder}`);
      expect(error?.message).toMatch(hint);
    }
  });
});
