import type { MemoryBackend } from "../contract/backend.ts";
import type { Message } from "../contract/message.ts";
import type { BackendConfig } from "./backend-config.ts";

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
  const { makeBackend } = await import("../lazy-chunk.ts");
  return makeBackend<T>(config, options);
}
