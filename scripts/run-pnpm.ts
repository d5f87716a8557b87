import { type SpawnSyncOptions, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Runs the pnpm that is on PATH, or the one that this repository names. Its output goes to `stdio`. */
export function runPnpm(
  root: string,
  args: readonly string[],
  stdio: SpawnSyncOptions["stdio"] = "inherit",
): SpawnSyncReturns<Buffer> {
  const options = { cwd: root, stdio } as const;
  const result = spawnSync("pnpm", args, options);
  if ((result.error as NodeJS.ErrnoException | undefined)?.code !== "ENOENT") return result;
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { packageManager: string };
  return spawnSync("npx", ["-y", packageManager, ...args], options);
}
