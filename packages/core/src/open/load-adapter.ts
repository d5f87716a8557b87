import { cleanCause, MemoryError } from "../contract/memory-error.ts";
import { isPath, splitName } from "./adapter-name.ts";
import { applicationFolders, loadFrom } from "./application-modules.ts";
import type { BackendConfig } from "./backend-config.ts";

/** What an adapter's module exports. */
export type FromConfig = (config: Readonly<BackendConfig>) => unknown;

/**
 * The `fromConfig` of an adapter's module. `load` loads the module; by default it comes from the application's
 * `node_modules`. Rejects with `INVALID_CONFIG` if the module is missing, cannot be loaded, or has no such function.
 */
export async function loadAdapter(
  name: string,
  load: (name: string) => Promise<unknown> = fromApplication,
): Promise<FromConfig> {
  let module: unknown;
  try {
    module = await load(name);
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

async function fromApplication(name: string): Promise<unknown> {
  const folders = applicationFolders();
  const loaded = await loadFrom(folders, name);
  if (loaded !== undefined) return loaded.module;
  throw new MemoryError(
    "INVALID_CONFIG",
    `Adapter ${JSON.stringify(name)} was not found from ${folders.join(" and ")}.`,
    { hint: `${isPath(name) ? "Check the path" : installHint(name)}. ${bundleHint(name)}` },
  );
}

/** A bundler sees this `import`, and adds the adapter to the bundle. */
function bundleHint(name: string): string {
  return `In a bundle, also write openBackend(config, { load: () => import(${JSON.stringify(name)}) }).`;
}

function installHint(name: string): string {
  return `Install it: npm install ${splitName(name).packageName}`;
}

function notLoaded(name: string, error: unknown): MemoryError {
  const cause = cleanCause(error);
  return new MemoryError("INVALID_CONFIG", `Adapter ${JSON.stringify(name)} could not be loaded.`, {
    hint: notLoadedHint(name, cause),
    cause,
  });
}

function notLoadedHint(name: string, cause: Error): string {
  const { code } = cause as { code?: unknown };
  if (code === "ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG") {
    return "It has no CommonJS form, and Jest needs NODE_OPTIONS=--experimental-vm-modules to import an ES module.";
  }
  // How a `load` that uses `import` or `require` reports a missing adapter. If a dependency of the adapter is missing,
  // the install hint would be wrong.
  const absent =
    (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") && cause.message.includes(`'${name}'`);
  return absent && !isPath(name) ? installHint(name) : "See the cause.";
}
