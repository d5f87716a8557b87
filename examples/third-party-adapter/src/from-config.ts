import type { BackendConfig, Message } from "@deep-agent/core/adapter";
import { SqliteBackend } from "./sqlite-backend.ts";
import type { SqliteOptions } from "./sqlite-options.ts";

/**
 * Makes a backend of a config. `openBackend({ adapter: "@acme/memory-sqlite", path: "memories.db" })` calls this.
 * Throws `INVALID_CONFIG`.
 */
export function fromConfig<T extends object = Message>(config: Readonly<BackendConfig>): SqliteBackend<T> {
  // A config may hold any value, even if it comes from TypeScript; the constructor checks the options.
  const { adapter: _adapter, ...options } = config;
  return new SqliteBackend<T>(options as unknown as SqliteOptions);
}
