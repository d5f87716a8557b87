import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";

/** What the compiler says of the files of a project and of the types of its packages: a line for each problem. */
export function compile(project: string, files: readonly string[]): string[] {
  const { resolve: find } = createRequire(import.meta.url);
  const types = resolve(find("@types/node/package.json"), "../..");
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", "node"];
  const tsc = [find("typescript/bin/tsc"), ...options, "--typeRoots", types, "--pretty", "false", ...files];
  const { stdout, error } = spawnSync(process.execPath, tsc, { cwd: project, encoding: "utf8", timeout: 120_000 });
  if (error !== undefined) throw error;
  return stdout.split("\n").filter((line) => line !== "");
}
