import type { BackendConfig, Message } from "@deep-agent/core/adapter";
import type { RedisBackendOptions } from "./options/redis-options.ts";
import { RedisBackend } from "./redis-backend.ts";

/**
 * The backend for `openBackend("redis://localhost:6379/2?ttl=24h&prefix=app:")`, or for an object with
 * {@link RedisBackendOptions}, which win over what its `url` says. Throws `INVALID_CONFIG`.
 */
export function fromConfig<T extends object = Message>(config: BackendConfig): RedisBackend<T> {
  const { adapter: _adapter, ...options } = config;
  return new RedisBackend<T>(options as RedisBackendOptions); // the constructor checks names and values
}
