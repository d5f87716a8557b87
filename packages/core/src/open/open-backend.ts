import type { MemoryBackend } from "../contract/backend.ts";
import type { Message } from "../contract/message.ts";
import type { BackendConfig } from "./backend-config.ts";

/** Options of {@link openBackend}. */
export interface OpenBackendOptions {
  /**
   * Loads the adapter's module by the name in the config: for bundlers, Yarn Plug'n'Play, and adapters that are not
   * packages. In a bundle, name the adapter, so that the bundler adds it:
   * `load: () => import("@deep-agent/file")`. Default: a search in `node_modules`.
   */
  load?: ((name: string) => Promise<unknown>) | undefined;
}

/**
 * Opens the backend that a config describes: an address such as `"redis://host:6379/2?ttl=24h"`, `"file:./memories"` or
 * `"memory:"`, or an object with the name of an adapter and its options. The scheme of an address selects the adapter,
 * which interprets the rest.
 *
 * ```ts
 * await openBackend("file:./memories");
 * await openBackend({ adapter: "@acme/memory-s3", bucket: "memories" });
 * ```
 *
 * The adapter is a dependency of the application. So it is searched in `node_modules` from the working directory
 * upwards, then from the folder of the running program, but not from the folder of this package. A relative path is
 * resolved from the same folders. The module is loaded with `import`, or, in CommonJS, with `require` if it has a form
 * for that. Nothing is connected yet: the backend connects at its first call.
 *
 * Rejects with `INVALID_CONFIG` if the config is invalid, or if the adapter is missing (the message has the command
 * that installs it), cannot be loaded, or is not an adapter. No error holds a password of the config.
 */
export async function openBackend<T extends object = Message>(
  config: string | BackendConfig,
  options: OpenBackendOptions = {},
): Promise<MemoryBackend<T>> {
  const { makeBackend } = await import("../lazy-chunk.ts");
  return makeBackend<T>(config, options);
}
