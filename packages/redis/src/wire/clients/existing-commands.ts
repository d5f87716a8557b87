import { ClusterCommands } from "../cluster/cluster-commands.ts";
import type { RedisCommands } from "../redis-commands.ts";
import type { RecognizedClient } from "./existing-client.ts";
import { IoredisCommands } from "./ioredis.ts";
import { IoredisClusterNodes } from "./ioredis-cluster.ts";
import { NodeRedisCommands, NodeRedisSentinelCommands } from "./node-redis.ts";
import { NodeRedisClusterNodes } from "./node-redis-cluster.ts";

/** The command port over a client that somebody else made. */
export function existingCommands({ kind, client }: RecognizedClient): RedisCommands {
  switch (kind) {
    case "node-redis":
      return new NodeRedisCommands(client);
    case "node-redis sentinel":
      return new NodeRedisSentinelCommands(client);
    case "node-redis cluster":
      return new ClusterCommands(new NodeRedisClusterNodes(client));
    case "ioredis":
      return new IoredisCommands(client);
    case "ioredis cluster":
      return new ClusterCommands(new IoredisClusterNodes(client));
  }
}
