export type { ForeignClient } from "./foreign-client.ts";
export { fromConfig } from "./from-config.ts";
export type { IoredisClient } from "./ioredis-client.ts";
export type { IoredisCluster } from "./ioredis-cluster.ts";
export type {
  NodeRedisClient,
  NodeRedisPipeline,
  NodeRedisPool,
  NodeRedisSentinel,
} from "./node-redis-client.ts";
export type { NodeRedisCluster } from "./node-redis-cluster.ts";
export type { ReindexProgress } from "./recent-index.ts";
export { RedisBackend, type ReindexOptions } from "./redis-backend.ts";
export {
  type MasterCommands,
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
  type Durability,
  type MemoryOptions,
  type RedisBackendOptions,
  type SentinelOptions,
} from "./redis-options.ts";
