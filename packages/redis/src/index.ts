export { fromConfig } from "./from-config.ts";
export type { NodeRedisClient, NodeRedisPool } from "./node-redis-client.ts";
export { RedisBackend } from "./redis-backend.ts";
export {
  NoReply,
  type RedisCommand,
  type RedisCommands,
  type RedisReply,
  RefusedReply,
  type SendOptions,
} from "./redis-commands.ts";
export {
  DEFAULT_POOL_SIZE,
  DEFAULT_PREFIX,
  DEFAULT_TIMEOUT_MS,
  DEFAULT_TTL,
  type MemoryOptions,
  type RedisBackendOptions,
} from "./redis-options.ts";
