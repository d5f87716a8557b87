import { invalidConfig, loaded } from "../../options/config-error.ts";
import type { CommandSource } from "../redis-commands.ts";
import type { IoredisClient } from "./ioredis.ts";
import type { IoredisCluster } from "./ioredis-cluster.ts";
import type { NodeRedisClient, NodeRedisPool, NodeRedisSentinel } from "./node-redis.ts";
import type { NodeRedisCluster } from "./node-redis-cluster.ts";

/** Clients that a backend can be made on: of node-redis 6, of ioredis 5 and 6. */
export type ForeignClient =
  | NodeRedisClient
  | NodeRedisPool
  | NodeRedisCluster
  | NodeRedisSentinel
  | IoredisClient
  | IoredisCluster;

/** One of them, and what it was found to be. */
export type RecognizedClient =
  | { kind: "node-redis"; client: NodeRedisClient | NodeRedisPool }
  | { kind: "node-redis sentinel"; client: NodeRedisSentinel }
  | { kind: "node-redis cluster"; client: NodeRedisCluster }
  | { kind: "ioredis"; client: IoredisClient }
  | { kind: "ioredis cluster"; client: IoredisCluster };

/** The command port over a client that somebody else made, to be loaded. Throws `INVALID_CONFIG` for what is no such client. */
export function sourceOf(client: unknown): CommandSource {
  const recognized = recognize(client);
  const { kind } = recognized;
  const isCluster = kind.endsWith("cluster");
  const asksSentinels =
    kind === "node-redis sentinel" || (kind === "ioredis" && Boolean(sentinelsOf(recognized.client)));
  return {
    isCluster,
    failsOver: isCluster || asksSentinels,
    open: async () => (await loaded(import("./existing-commands.ts"))).foreignCommands(recognized),
  };
}

/** Clients are told apart by what they have: names of classes say nothing where code is bundled or installed twice. */
function recognize(client: unknown): RecognizedClient {
  const has = (...names: string[]): boolean =>
    typeof client === "object" && client !== null && names.every((name) => name in client);
  // As far as it matters here, they are what they are taken for.
  if (has("pipeline", "options") && typeof (client as IoredisClient).pipeline === "function") {
    return has("isCluster") && (client as IoredisCluster).isCluster
      ? { kind: "ioredis cluster", client: client as IoredisCluster }
      : { kind: "ioredis", client: client as IoredisClient };
  }
  if (has("sendCommand", "isOpen", "masters", "nodeClient"))
    return { kind: "node-redis cluster", client: client as NodeRedisCluster };
  if (has("sendCommand", "isOpen", "getMasterNode"))
    return { kind: "node-redis sentinel", client: client as NodeRedisSentinel };
  if (has("sendCommand", "isOpen")) return { kind: "node-redis", client: client as NodeRedisClient | NodeRedisPool };
  throw invalidConfig(
    "What was given is no client of node-redis or ioredis.",
    "Give what createClient, createClientPool, createCluster or createSentinel of node-redis returned, or a Redis or Cluster of ioredis.",
  );
}

function sentinelsOf({ options }: IoredisClient): unknown {
  return (options as { sentinels?: unknown }).sentinels;
}
