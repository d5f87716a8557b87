import type { BackendConfig, Message } from "@deep-agent/core/adapter";
import { KeyvBackend } from "./keyv-backend.ts";
import type { KeyvBackendOptions } from "./keyv-options.ts";

/**
 * Makes the backend for `openBackend({ adapter: "@deep-agent/keyv", store, ttl: "7d" })`. The config holds the options
 * of {@link KeyvBackendOptions}. Throws `INVALID_CONFIG`.
 */
export function fromConfig<T extends object = Message>(config: BackendConfig): KeyvBackend<T> {
  const { adapter: _adapter, ...options } = config;
  return new KeyvBackend<T>(options as KeyvBackendOptions); // the constructor checks names and values
}
