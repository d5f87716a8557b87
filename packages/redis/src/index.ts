export { fromConfig } from "./from-config.ts";
export type { ReindexProgress } from "./memories/recent-index.ts";
export type {
  Durability,
  PasswordFunction,
  RedisBackendOptions,
  RedisMemoryOptions,
  SentinelOptions,
} from "./options/redis-options.ts";
export { RedisBackend, type ReindexOptions } from "./redis-backend.ts";
export type { ExistingClient } from "./wire/clients/existing-client.ts";
