import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "../refusal.ts";
import { runPnpm } from "../run-pnpm.ts";
import type { AdapterName } from "./adapter-name.ts";

/**
 * Installs the new package into the workspace, formats it, and builds it and what it depends on. Throws a {@link Refusal}
 * where a command fails, which has said why; the lockfile is then as it was.
 */
export function installAndBuild(root: string, { packageName, folder }: AdapterName): void {
  const lockfile = join(root, "pnpm-lock.yaml");
  const before = readFileSync(lockfile);
  try {
    // The lockfile does not know the package yet, and pnpm takes that for a mistake where CI is set.
    pnpm(root, "install", "--no-frozen-lockfile", "--prefer-offline");
    // How a line is broken and what comes first depends on the name.
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
  throw new Refusal(`\n"pnpm ${args.join(" ")}" failed; what it wrote is above. The new package was taken away again.`);
}
