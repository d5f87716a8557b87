import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";

/** What the compiler says of the files of a project and of the types of its packages: a line for each problem. */
export function compile(project: string, files: readonly string[]): string[] {
  const types = resolve(find("@types/node/package.json"), "../..");
  return complaints(project, ["--target", "es2023", "--types", "node", "--typeRoots", types, ...files]);
}

/** The same for a compiler that knows JavaScript alone: neither Node nor the DOM. */
export function compileWithoutNode(project: string, files: readonly string[]): string[] {
  return complaints(project, ["--target", "es2023", "--lib", "es2024", ...files]);
}

const { resolve: find } = createRequire(import.meta.url);

function complaints(project: string, options: readonly string[]): string[] {
  const always = ["--noEmit", "--strict", "--module", "nodenext", "--pretty", "false"];
  const tsc = [find("typescript/bin/tsc"), ...always, ...options];
  const { stdout, error } = spawnSync(process.execPath, tsc, { cwd: project, encoding: "utf8", timeout: 120_000 });
  if (error !== undefined) throw error;
  return stdout.split("\n").filter((line) => line !== "");
}
