import { invalidConfig } from "../../options/config-error.ts";
import type { IoredisClient } from "./ioredis.ts";
import type { IoredisCluster } from "./ioredis-cluster.ts";
import type { NodeRedisClient, NodeRedisPool, NodeRedisSentinel } from "./node-redis.ts";
import type { NodeRedisCluster } from "./node-redis-cluster.ts";

/** Clients that a backend can be made on: of node-redis 6, of ioredis 5 and 6. */
export type ExistingClient =
  | NodeRedisClient
  | NodeRedisPool
  | NodeRedisCluster
  | NodeRedisSentinel
  | IoredisClient
  | IoredisCluster;

/** A client, and what it was found to be. */
export type RecognizedClient =
  | { kind: "node-redis"; client: NodeRedisClient | NodeRedisPool }
  | { kind: "node-redis sentinel"; client: NodeRedisSentinel }
  | { kind: "node-redis cluster"; client: NodeRedisCluster }
  | { kind: "ioredis"; client: IoredisClient }
  | { kind: "ioredis cluster"; client: IoredisCluster };

/**
 * Clients are told apart by what they have: names of classes say nothing if code is bundled or installed twice. Throws
 * `INVALID_CONFIG` for anything else.
 */
export function recognize(client: unknown): RecognizedClient {
  if (isIoredisCluster(client)) return { kind: "ioredis cluster", client };
  if (isIoredis(client)) return { kind: "ioredis", client };
  if (isNodeRedisCluster(client)) return { kind: "node-redis cluster", client };
  if (isNodeRedisSentinel(client)) return { kind: "node-redis sentinel", client };
  if (isNodeRedis(client)) return { kind: "node-redis", client };
  throw invalidConfig(
    "What was given is no client of node-redis or ioredis.",
    "Give what createClient, createClientPool, createCluster or createSentinel of node-redis returned, or a Redis or Cluster of ioredis.",
  );
}

function isIoredisCluster(client: unknown): client is IoredisCluster {
  return isIoredis(client) && "isCluster" in client && Boolean(client.isCluster);
}

function isIoredis(client: unknown): client is IoredisClient {
  return has(client, "pipeline", "options") && typeof client.pipeline === "function";
}

function isNodeRedisCluster(client: unknown): client is NodeRedisCluster {
  return has(client, "sendCommand", "isOpen", "masters", "nodeClient");
}

function isNodeRedisSentinel(client: unknown): client is NodeRedisSentinel {
  return has(client, "sendCommand", "isOpen", "getMasterNode");
}

function isNodeRedis(client: unknown): client is NodeRedisClient | NodeRedisPool {
  return has(client, "sendCommand", "isOpen");
}

function has<N extends string>(client: unknown, ...names: N[]): client is Record<N, unknown> {
  return typeof client === "object" && client !== null && names.every((name) => name in client);
}
