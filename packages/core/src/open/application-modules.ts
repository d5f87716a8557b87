import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { exports as resolveExports } from "resolve.exports";
import { isPath, splitName } from "./adapter-name.ts";

/** A module of the application, before it is loaded. */
interface Found {
  /** What the application's `require` takes, or `undefined` if that would be another module. */
  required: string | undefined;
  /** The file that the application's `import` takes. Throws if it takes none. */
  imported(): string;
}

/** Set by the CommonJS build (tsup.config.ts): nothing else tells the builds apart in every runtime and bundle. */
declare const IS_COMMONJS: boolean | undefined;
const isCommonJs = typeof IS_COMMONJS !== "undefined" && IS_COMMONJS;

/** How the `require` of Node or Jest says that a module is for `import` only. */
const importOnly: ReadonlySet<unknown> = new Set([
  "ERR_REQUIRE_ESM",
  "ERR_REQUIRE_ASYNC_MODULE",
  "ERR_REQUIRE_CYCLE_MODULE",
]);

/**
 * Loads a module of the application, by the name of a package or by a path: with `import`, or with `require` in the
 * CommonJS build. So adapter and application share one core, and Jest needs no flags. Resolves to `undefined` if there
 * is no such module in the folders, and rejects if it cannot be loaded.
 */
export async function loadFrom(folders: readonly string[], name: string): Promise<{ module: unknown } | undefined> {
  for (const folder of folders) {
    const found = isPath(name) ? findFile(name, folder) : findInPackages(name, folder);
    if (found !== undefined) return { module: await load(found, folder) };
  }
  return undefined;
}

/** Where the application's dependencies may be. The folder of this package says nothing about them. */
export function applicationFolders(): string[] {
  const folders = new Set([process.cwd()]);
  const program = process.argv[1];
  // With `node -e` and the like, the first argument is not a file. In `node_modules/.bin` it is a link to one.
  if (program !== undefined && existsSync(program)) {
    const path = realpathSync(program);
    folders.add(statSync(path).isDirectory() ? path : dirname(path));
  }
  return [...folders];
}

async function load({ required, imported }: Found, folder: string): Promise<unknown> {
  const file = isCommonJs && required !== undefined ? resolved(required, folder) : undefined;
  if (file !== undefined) {
    try {
      return requireFrom(folder)(file);
    } catch (error) {
      if (typeof error !== "object" || error === null || !("code" in error) || !importOnly.has(error.code)) throw error;
    }
  }
  const { href } = pathToFileURL(imported());
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ href);
}

/** What `require` would load, if anything: an ES module may have no form for `require`. */
function resolved(specifier: string, folder: string): string | undefined {
  try {
    return requireFrom(folder).resolve(specifier);
  } catch {
    return undefined; // `imported` says why, if that fails too
  }
}

function findFile(path: string, folder: string): Found | undefined {
  const file = resolve(folder, path);
  return existsSync(file) ? { required: file, imported: () => requireFrom(folder).resolve(file) } : undefined;
}

function findInPackages(name: string, folder: string): Found | undefined {
  const { packageName, subpath } = splitName(name);
  for (const directory of candidates(packageName, folder)) {
    if (!existsSync(join(directory, "package.json"))) continue;
    // `require` takes Node's own module if the package has the same name.
    const required = isBuiltin(name) ? undefined : name;
    return { required, imported: () => exported(directory, subpath, folder) };
  }
  return undefined;
}

function exported(directory: string, subpath: string, folder: string): string {
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  // Without `exports`, Node resolves an absolute path by `main` and by the files that exist there.
  if ((manifest["exports"] ?? null) === null) return requireFrom(folder).resolve(join(directory, subpath));
  const [target] = resolveExports(manifest, subpath, { conditions: ["module-sync", "node-addons"] }) ?? [];
  if (target === undefined) throw new Error(`The package exports nothing as ${JSON.stringify(subpath)}.`);
  return join(directory, target);
}

/** Where a package may be, from a folder upwards. As with `import`, unlike `require`, NODE_PATH has no effect. */
function* candidates(packageName: string, folder: string): Generator<string> {
  for (let current = folder; ; current = dirname(current)) {
    yield join(current, "node_modules", packageName);
    if (current === dirname(current)) return;
  }
}

function requireFrom(folder: string): NodeJS.Require {
  return createRequire(join(folder, "noop.js"));
}
