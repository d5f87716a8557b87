export { fromConfig } from "./from-config.ts";
export type { ReindexProgress } from "./memories/recent-index.ts";
export {
  DEFAULT_POOL_SIZE,
  DEFAULT_PREFIX,
  DEFAULT_TIMEOUT_MS,
  DEFAULT_TTL,
  type Durability,
  type MemoryOptions,
  type RedisBackendOptions,
  type SentinelOptions,
} from "./options/redis-options.ts";
export { RedisBackend, type ReindexOptions } from "./redis-backend.ts";
export type { ForeignClient } from "./wire/clients/existing-client.ts";
export type { IoredisClient } from "./wire/clients/ioredis.ts";
export type { IoredisCluster } from "./wire/clients/ioredis-cluster.ts";
export type {
  NodeRedisClient,
  NodeRedisPipeline,
  NodeRedisPool,
  NodeRedisSentinel,
} from "./wire/clients/node-redis.ts";
export type { NodeRedisCluster } from "./wire/clients/node-redis-cluster.ts";
export {
  type MasterCommands,
  NoReply,
  type RedisCommand,
  type RedisCommands,
  type RedisReply,
  RefusedReply,
  type SendOptions,
} from "./wire/redis-commands.ts";
