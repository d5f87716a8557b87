import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { workspace } from "./support/copied-sources.ts";
import { manifestIn, run } from "./support/packing.ts";

/*
 * The README's quick start, as it is printed there, without a registry: what npm would fetch is packed from this
 * workspace. So `openai@7` becomes the tarballs of openai and of what the packages depend on, and npm is offline.
 */

interface Block {
  language: string;
  text: string;
}

const blocks = blocksOf("Quick start");
const program = (path: string) => `"${process.execPath}" "${join(workspace, path)}"`;

describe("the README's quick start", () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "deep-agent-quick start-")));
  const [clone, folder] = [join(home, "clone"), join(home, "empty")];
  let model: ChildProcess | undefined;

  beforeAll(() => {
    mkdirSync(clone);
    mkdirSync(folder);
  });
  afterAll(() => {
    model?.kill();
    rmSync(home, { recursive: true });
  });

  it("recalls the colour in its second run, in an empty folder", async () => {
    let said = "";
    for (const { language, text } of blocks) {
      if (language === "ts") writeFileSync(join(folder, "main.ts"), text);
      else if (language === "text") expect(said).toBe(text);
      else if (text.includes("pack:all")) inShell(replaced(text, "pack:all", "scripts/pack-all.ts --built"), clone);
      else if (text.includes("offline-model")) model = startModel(text);
      else said = inShell(await withoutRegistry(text), folder);
    }
    expect(said.split("\n")[1]).toBe("Your favorite color is blue.");
  });

  /** The script of the repository, where the README has it run by pnpm, which would install and build again. */
  function replaced(text: string, script: string, file: string): string {
    const [path = "", ...options] = file.split(" ");
    return text.replace(`npx -y pnpm@10.34.9 ${script}`, [program(path), ...options].join(" "));
  }

  /** Not at the port of the README, which may be taken. */
  function startModel(text: string): ChildProcess {
    const command = replaced(text, "offline-model", "examples/offline-model/src/main.ts");
    return spawn(`exec ${command.replace("--port 8080", "")}`, { shell: true, stdio: ["ignore", "pipe", "ignore"] });
  }

  async function withoutRegistry(text: string): Promise<string> {
    if (text.includes("openai@7")) return text.replace("openai@7", packedHere().join(" "));
    if (!text.includes("OPENAI_BASE_URL")) return text;
    if (model?.stdout == null) throw new Error("The README starts no model before it is used.");
    const [line = ""] = (await once(createInterface(model.stdout), "line")) as string[];
    const [, port = ""] = /^export OPENAI_BASE_URL=.*:(\d+)\/v1$/.exec(line) ?? [];
    return text.replace("8080", port);
  }

  /** openai, and what the packages of the quick start depend on, as npm would get them. */
  function packedHere(): string[] {
    const folders = ["core", "file"].map((name) => join(workspace, "packages", name));
    const installed = folders.flatMap((path) => {
      const names = Object.keys(manifestIn(path).dependencies ?? {}).filter((name) => !name.startsWith("@deep-agent/"));
      return names.map((name) => join(path, "node_modules", name));
    });
    const all = [join(workspace, "packages/core/node_modules/openai"), ...installed];
    const pack = `npm pack --silent --ignore-scripts ${all.map((path) => `"${realpathSync(path)}"`).join(" ")}`;
    const names = inShell(pack, clone).trim().split("\n");
    return names.map((name) => `"${join(clone, name)}"`);
  }

  /** What commands write, with the Node that runs this and an npm that asks nobody. */
  function inShell(script: string, cwd: string): string {
    const env = Object.entries(process.env).filter(([name]) => !/^(npm|pnpm|INIT_CWD|OPENAI|FORCE_COLOR)/i.test(name));
    const quiet = { npm_config_offline: "true", npm_config_cache: join(home, "cache"), npm_config_audit: "false" };
    const PATH = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`;
    return run("sh", ["-ec", script], cwd, 120_000, { ...Object.fromEntries(env), ...quiet, PATH });
  }
});

describe("the README's first commands", () => {
  it("are those that work in a bare clone: the demo, and the tests", () => {
    const [first] = readFileSync(join(workspace, "README.md"), "utf8").match(/^```sh\n[\s\S]*?^```$/m) ?? [];
    expect(first?.split("\n").slice(1, -1)).toEqual([
      expect.stringMatching(/^npx -y pnpm@10\.34\.9 demo /),
      expect.stringMatching(/^npx -y pnpm@10\.34\.9 test /),
    ]);
  });
});

describe("a wrong command ends with one line that says what to do", () => {
  it.each([
    ["scripts/pack-all.ts", []],
    ["scripts/pack-all.ts", ["a", "b"]],
    ["scripts/pack-all.ts", ["--all"]],
    ["scripts/pack-all.ts", ["package.json"]],
    ["scripts/pack-all.ts", ["package.json/folder"]],
    ["examples/offline-model/src/main.ts", ["--port"]],
    ["examples/offline-model/src/main.ts", ["--port", "http"]],
    ["examples/offline-model/src/main.ts", ["--port", "65536"]],
    ["examples/offline-model/src/main.ts", ["8080"]],
  ])("%s %j", async (file, args) => {
    const child = spawn(process.execPath, [join(workspace, file), ...args], { cwd: workspace });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
    expect(await once(child, "close")).toEqual([1, null]);
    expect(said).toMatch(/^.*Usage: npx -y pnpm@10\.34\.9 (pack:all DIR|offline-model \[--port N\]), where .*\n$/);
  });
});

/** The blocks of code in a section of the README. */
function blocksOf(section: string): Block[] {
  const page = readFileSync(join(workspace, "README.md"), "utf8");
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  const found = text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...found].map(([, language = "", code = ""]) => ({ language, text: code }));
}
