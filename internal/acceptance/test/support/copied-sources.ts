import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

export const workspace: string = resolve(import.meta.dirname, "../../../..");

/** A repository with the sources of some packages, and the configuration of lint. Tests may write to it. */
export class CopiedSources {
  readonly root: string = realpathSync(mkdtempSync(join(tmpdir(), "deep-agent-sources-")));

  constructor(packages: readonly string[]) {
    const tools = ["scripts", "dependency-cruiser.config.ts", "package.json"];
    for (const path of [...tools, ...packages.map((name) => `packages/${name}/src`)]) {
      cpSync(join(workspace, path), join(this.root, path), { recursive: true });
    }
    symlinkSync(join(workspace, "node_modules"), join(this.root, "node_modules"), "junction");
  }

  /** Adds code at the end of a file, and creates a missing file. */
  add(file: string, code: string): void {
    const path = join(this.root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${code}\n`, { flag: "a" });
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}

/** Runs a step of `pnpm lint`, as in package.json, in the root of a repository: its exit status and output. */
export function runLintStep(program: string, root: string): { status: number | null; output: string } {
  const { scripts } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8")) as {
    scripts: { lint: string };
  };
  const step = scripts.lint.split(" && ").find((command) => command.startsWith(program));
  if (step === undefined) throw new Error(`No step of lint begins with "${program}".`);
  return run(step, root);
}

/** Runs a command with the programs of this repository. */
export function run(command: string, cwd: string): { status: number | null; output: string } {
  const PATH = `${join(workspace, "node_modules/.bin")}${delimiter}${process.env["PATH"]}`;
  // Jest sets FORCE_COLOR for the processes that run its tests.
  const { FORCE_COLOR: _, ...inherited } = process.env;
  const env = { ...inherited, PATH, NO_COLOR: "1", NODE_NO_WARNINGS: "1" };
  const options = { cwd, env, shell: true, encoding: "utf8", maxBuffer: 2 ** 26, timeout: 120_000 } as const;
  const { status, stdout, stderr, error } = spawnSync(command, options);
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}
