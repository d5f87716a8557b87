import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/*
 * Installs packages as they are published, in projects of their own, without a registry.
 */

export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  files?: string[];
  exports?: Record<string, unknown>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

export interface Package {
  folder: string;
  manifest: Manifest;
}

export function packageIn(folder: string): Package {
  return { folder, manifest: manifestIn(folder) };
}

export function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Packs a package as publishing does, including its `prepack`. Returns the tarball's address, for a manifest. */
export function packed(folder: string, destination: string): string {
  const said = run("pnpm", ["pack", "--json", "--pack-destination", destination], folder);
  // The file's name is printed after the output of the package's scripts.
  const answer = said.slice(said.search(/^\{/m));
  return `file:${(JSON.parse(answer) as { filename: string }).filename}`;
}

/** Where the required dependencies of some packages are installed in this workspace, for a manifest. */
export function installedHere(packages: readonly Package[]): Record<string, string> {
  const all = packages.flatMap(({ folder, manifest }) =>
    needs(manifest).map((name) => [name, linkTo(name, folder)] as const),
  );
  return Object.fromEntries(all);
}

/** Where the packages that users of some packages must install too are installed in this workspace, for a manifest. */
export function peersHere(packages: readonly Package[]): Record<string, string> {
  const all = packages.flatMap(({ folder, manifest }) =>
    peers(manifest).map((name) => [name, linkTo(name, folder)] as const),
  );
  return Object.fromEntries(all);
}

function needs(manifest: Manifest): string[] {
  return [...Object.keys(manifest.dependencies ?? {}), ...peers(manifest)];
}

function peers({ peerDependencies = {}, peerDependenciesMeta = {} }: Manifest): string[] {
  return Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
}

/** Where a dependency of the package in the folder is installed, for a manifest. */
export function linkTo(name: string, folder: string): string {
  return `link:${realpathSync(join(folder, "node_modules", name))}`;
}

/**
 * Installs a project with this manifest. The overrides resolve packages that need each other to their tarballs, and
 * other dependencies to what is installed here. So no registry is asked.
 */
export function install(project: string, manifest: object, overrides: Readonly<Record<string, string>>): void {
  writeFileSync(join(project, "package.json"), JSON.stringify({ ...manifest, pnpm: { overrides } }));
  // Overrides do not apply to peers that are installed automatically.
  run("pnpm", ["install", "--offline", "--no-frozen-lockfile", "--config.auto-install-peers=false"], project);
}

/** Runs a program to its end: what it wrote. `limit`, in ms, holds where Jest's own cannot: while it waits. */
export function run(
  command: string,
  options: readonly string[],
  cwd: string,
  limit = 120_000,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const { status, signal, stdout, stderr } = spawnSync(command, options, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limit,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${options.join(" ")}: ${signal ?? status}\n${stdout}\n${stderr}`);
}
