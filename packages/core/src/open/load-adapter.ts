import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { exports as resolveExports } from "resolve.exports";
import { cleanCause, MemoryError } from "../contract/memory-error.ts";
import type { BackendConfig } from "./backend-config.ts";

/** What an adapter's module exports. */
export type FromConfig = (config: Readonly<BackendConfig>) => unknown;

/**
 * The `fromConfig` of an adapter's module. `load` loads the module; by default it comes from the application's
 * `node_modules`. Rejects with `INVALID_CONFIG` if the module is missing, cannot be loaded, or has no such function.
 */
export async function loadAdapter(
  name: string,
  load: ((name: string) => Promise<unknown>) | undefined,
): Promise<FromConfig> {
  let module: unknown;
  try {
    module = await (load === undefined
      ? import(/* webpackIgnore: true */ /* @vite-ignore */ locate(name))
      : load(name));
  } catch (error) {
    throw MemoryError.is(error) ? error : notLoaded(name, error);
  }
  // If Node cannot detect the exports of a CommonJS module from its text, all of them are in `default`.
  for (const candidate of [module, (module as { default?: unknown } | null | undefined)?.default]) {
    const fromConfig = (candidate as { fromConfig?: unknown } | null | undefined)?.fromConfig;
    if (typeof fromConfig === "function") return fromConfig as FromConfig;
  }
  throw new MemoryError("INVALID_CONFIG", `Adapter ${JSON.stringify(name)} does not export \`fromConfig\`.`, {
    hint: "A backend's adapter exports a function `fromConfig(config)` that returns the backend.",
  });
}

/** The file URL of the adapter's module. */
function locate(name: string): string {
  for (const folder of applicationFolders()) {
    const file = isPath(name) ? findFile(name, folder) : findInPackages(name, folder);
    if (file !== undefined) return pathToFileURL(file).href;
  }
  throw missing(name);
}

/** Where the application's dependencies may be. The folder of this package says nothing about them. */
function applicationFolders(): string[] {
  const folders = new Set([process.cwd()]);
  const program = process.argv[1];
  // With `node -e` and the like, the first argument is not a file. In `node_modules/.bin` it is a link to one.
  if (program !== undefined && existsSync(program)) {
    const path = realpathSync(program);
    folders.add(statSync(path).isDirectory() ? path : dirname(path));
  }
  return [...folders];
}

function isPath(name: string): boolean {
  return /^\.{1,2}[/\\]/.test(name) || isAbsolute(name);
}

function findFile(path: string, folder: string): string | undefined {
  const file = resolve(folder, path);
  return existsSync(file) ? requireFrom(folder).resolve(file) : undefined;
}

function findInPackages(name: string, folder: string): string | undefined {
  const { packageName, subpath } = splitName(name);
  for (const directory of candidates(packageName, folder)) {
    if (!existsSync(join(directory, "package.json"))) continue;
    const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    // Without `exports`, Node resolves an absolute path by `main` and by the files that exist there.
    if ((manifest["exports"] ?? null) === null) return requireFrom(folder).resolve(join(directory, subpath));
    const [target] = resolveExports(manifest, subpath, { conditions: ["module-sync", "node-addons"] }) ?? [];
    if (target === undefined) throw new Error(`The package exports nothing as ${JSON.stringify(subpath)}.`);
    return join(directory, target);
  }
  return undefined;
}

/** Where a package may be, from a folder upwards. As with `import`, unlike `require`, NODE_PATH has no effect. */
function* candidates(packageName: string, folder: string): Generator<string> {
  for (let current = folder; ; current = dirname(current)) {
    yield join(current, "node_modules", packageName);
    if (current === dirname(current)) return;
  }
}

/** `@acme/memory/lite` → `@acme/memory` and `./lite`. */
function splitName(name: string): { packageName: string; subpath: string } {
  const parts = /^((?:@[^/\\@%]+\/)?[^/\\@%.][^/\\@%:]*)(?:\/(.+))?$/.exec(name);
  const [, packageName, rest] = parts ?? [];
  if (packageName === undefined) throw invalidName();
  return { packageName, subpath: rest === undefined ? "." : `./${rest}` };
}

function requireFrom(folder: string): NodeJS.Require {
  return createRequire(join(folder, "noop.js"));
}

function missing(name: string): MemoryError {
  const where = applicationFolders().join(" and ");
  return new MemoryError("INVALID_CONFIG", `Adapter ${JSON.stringify(name)} was not found from ${where}.`, {
    hint: isPath(name)
      ? "Check the path."
      : `${installHint(splitName(name).packageName)}. In a bundle, give openBackend a \`load\` that imports it.`,
  });
}

function installHint(packageName: string): string {
  return `Install it: npm install ${packageName}`;
}

function invalidName(): MemoryError {
  return new MemoryError("INVALID_CONFIG", "The config's `adapter` is not the name of a package.", {
    hint: 'Give a package ("@acme/memory-s3"), a module of one ("@acme/memory-s3/lite") or a path ("./my-adapter.js").',
  });
}

function notLoaded(name: string, error: unknown): MemoryError {
  const cause = cleanCause(error);
  // How a `load` that uses `import` or `require` reports a missing adapter. If a dependency of the adapter is missing,
  // the install hint would be wrong.
  const { code } = cause as { code?: unknown };
  const absent =
    (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") && cause.message.includes(`'${name}'`);
  return new MemoryError("INVALID_CONFIG", `Adapter ${JSON.stringify(name)} could not be loaded.`, {
    hint: absent && !isPath(name) ? installHint(splitName(name).packageName) : "See the cause.",
    cause,
  });
}
