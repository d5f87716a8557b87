import type { BackendConfig, Message } from "@deep-agent/core/adapter";
import { SqliteBackend } from "./sqlite-backend.ts";
import type { SqliteOptions } from "./sqlite-options.ts";

/**
 * What `openBackend({ adapter: "@acme/memory-sqlite", path: "memories.db" })` calls, with that object. Throws
 * `INVALID_CONFIG`.
 */
export function fromConfig<T extends object = Message>(config: Readonly<BackendConfig>): SqliteBackend<T> {
  // What was given is anything at all, also where it comes from TypeScript; the constructor checks it.
  const { adapter: _adapter, ...options } = config;
  return new SqliteBackend<T>(options as unknown as SqliteOptions);
}
