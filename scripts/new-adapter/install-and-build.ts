import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AdapterName } from "./adapter-name.ts";
import { Refusal } from "./refusal.ts";

/**
 * Installs the new package into the workspace, formats it, and builds it with its dependencies. Throws a {@link
 * Refusal} if a command fails, and restores the lockfile. The command has printed the reason.
 */
export function installAndBuild(root: string, { packageName, folder }: AdapterName): void {
  const lockfile = join(root, "pnpm-lock.yaml");
  const before = readFileSync(lockfile);
  try {
    // The lockfile does not have the package yet, which pnpm rejects if CI is set.
    pnpm(root, "install", "--no-frozen-lockfile", "--prefer-offline");
    // Line breaks and the order of imports depend on the name.
    pnpm(root, "exec", "biome", "check", "--write", folder);
    pnpm(root, "exec", "turbo", "run", "build", `--filter=${packageName}...`, "--output-logs=errors-only");
  } catch (error) {
    writeFileSync(lockfile, before);
    throw error;
  }
}

function pnpm(root: string, ...args: string[]): void {
  const { error, status } = runPnpm(root, args);
  if (error !== undefined) throw error;
  if (status === 0) return;
  throw new Refusal(`\n"pnpm ${args.join(" ")}" failed; see its output above. The new package was removed again.`);
}

/** Runs the pnpm on PATH, or else the version that this repository specifies. */
function runPnpm(root: string, args: readonly string[]): SpawnSyncReturns<Buffer> {
  const options = { cwd: root, stdio: "inherit" } as const;
  const result = spawnSync("pnpm", args, options);
  if ((result.error as NodeJS.ErrnoException | undefined)?.code !== "ENOENT") return result;
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { packageManager: string };
  return spawnSync("npx", ["-y", packageManager, ...args], options);
}
