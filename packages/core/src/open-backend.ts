import { loadAdapter } from "./adapter-module.ts";
import type { MemoryBackend } from "./backend.ts";
import { type BackendConfig, fullConfig } from "./backend-config.ts";
import { redactorOf } from "./config-secrets.ts";
import { cleanCause, MemoryError } from "./memory-error.ts";
import type { Message } from "./message.ts";

export interface OpenBackendOptions {
  /**
   * Loads the adapter's module by the name in the config, in place of the search in `node_modules`: for bundlers, Yarn
   * Plug'n'Play, and adapters that are no packages.
   */
  load?: ((name: string) => Promise<unknown>) | undefined;
}

/**
 * The backend that a config speaks of: an address such as `"redis://host:6379/2?ttl=24h"`, `"file:./memories"` or
 * `"memory:"`, or an object that names an adapter and its options. What the rest of an address means is the adapter's
 * business.
 *
 * ```ts
 * await openBackend("file:./memories");
 * await openBackend({ adapter: "@acme/memory-s3", bucket: "memories" });
 * ```
 *
 * The adapter is looked for in `node_modules` from the working directory upwards, then from the folder of the program that
 * runs, not from where this package lies: it is the application's dependency. A relative path is taken from there too.
 * Nothing is connected to; the backend does that at its first call.
 *
 * Rejects with `INVALID_CONFIG` where the config makes no sense, or the adapter is missing (the message has the command that
 * installs it), cannot be loaded, or is none. No error holds a password of the config.
 */
export async function openBackend<T extends object = Message>(
  config: string | BackendConfig,
  options: OpenBackendOptions = {},
): Promise<MemoryBackend<T>> {
  const full = fullConfig(config);
  const redact = redactorOf(full);
  const fromConfig = await loadAdapter(full.adapter, options.load);
  let backend: unknown;
  try {
    backend = await fromConfig(full);
  } catch (error) {
    if (redact.isClean(error)) throw error;
    // A `MemoryError` that is not clean is none to pass on either, and `cleanCause` would.
    const foreign = MemoryError.is(error) ? new Error(error.message) : error;
    throw refused(full.adapter, cleanCause(foreign, redact.text));
  }
  checkBackend<T>(backend, full.adapter);
  return backend;
}

const requiredMethods = ["load", "save", "delete", "list"] as const;

function checkBackend<T extends object>(backend: unknown, adapter: string): asserts backend is MemoryBackend<T> {
  const missing = requiredMethods.filter(
    (method) => typeof (backend as Partial<MemoryBackend> | null | undefined)?.[method] !== "function",
  );
  if (missing.length === 0) return;
  throw new MemoryError(
    "INVALID_CONFIG",
    `What \`fromConfig\` of adapter ${JSON.stringify(adapter)} gave is not a backend.`,
    {
      hint: `It lacks ${missing.map((method) => `\`${method}\``).join(", ")}.`,
    },
  );
}

function refused(adapter: string, cause: Error): MemoryError {
  return new MemoryError(
    "INVALID_CONFIG",
    `Adapter ${JSON.stringify(adapter)} could not make a backend of its config.`,
    {
      hint: "See the cause, and the adapter's documentation for its options.",
      cause,
    },
  );
}
