import { ClusterCommands } from "./cluster.ts";
import { type IoredisClient, IoredisCommands } from "./ioredis-client.ts";
import { type IoredisCluster, IoredisClusterNodes } from "./ioredis-cluster.ts";
import {
  type NodeRedisClient,
  NodeRedisCommands,
  type NodeRedisPool,
  type NodeRedisSentinel,
  NodeRedisSentinelCommands,
} from "./node-redis-client.ts";
import { type NodeRedisCluster, NodeRedisClusterNodes } from "./node-redis-cluster.ts";
import type { RedisCommands } from "./redis-commands.ts";
import { invalidConfig } from "./redis-error.ts";

/** Clients that a backend can be made on: of node-redis 6, of ioredis 5 and 6. */
export type ForeignClient =
  | NodeRedisClient
  | NodeRedisPool
  | NodeRedisCluster
  | NodeRedisSentinel
  | IoredisClient
  | IoredisCluster;

/**
 * The command port over a client that somebody else made. Clients are told apart by what they have: names of classes say nothing where
 * code is bundled or installed twice. Throws `INVALID_CONFIG` for what is no such client.
 */
export function commandsOf(client: unknown): RedisCommands {
  const has = (...names: string[]): boolean =>
    typeof client === "object" && client !== null && names.every((name) => name in client);
  // As far as it matters here, they are what they are taken for.
  if (has("pipeline", "options") && typeof (client as IoredisClient).pipeline === "function") {
    return has("isCluster") && (client as IoredisCluster).isCluster
      ? new ClusterCommands(new IoredisClusterNodes(client as IoredisCluster))
      : new IoredisCommands(client as IoredisClient);
  }
  if (has("sendCommand", "isOpen", "masters", "nodeClient"))
    return new ClusterCommands(new NodeRedisClusterNodes(client as NodeRedisCluster));
  if (has("sendCommand", "isOpen", "getMasterNode")) return new NodeRedisSentinelCommands(client as NodeRedisSentinel);
  if (has("sendCommand", "isOpen")) return new NodeRedisCommands(client as NodeRedisClient | NodeRedisPool);
  throw invalidConfig(
    "What was given is no client of node-redis or ioredis.",
    "Give what createClient, createClientPool, createCluster or createSentinel of node-redis returned, or a Redis or Cluster of ioredis.",
  );
}
