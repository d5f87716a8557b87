import { loaded } from "../loaded.ts";
import type { CommandSource } from "../redis-commands.ts";
import { recognize } from "./existing-client.ts";
import type { IoredisClient } from "./ioredis.ts";

/** The command port over a client that somebody else made, to be loaded. Throws `INVALID_CONFIG` for anything else. */
export function existingSource(client: unknown): CommandSource {
  const recognized = recognize(client);
  const { kind } = recognized;
  const isCluster = kind.endsWith("cluster");
  const asksSentinels =
    kind === "node-redis sentinel" || (kind === "ioredis" && Boolean(sentinelsOf(recognized.client)));
  return {
    name: "the Redis server",
    isCluster,
    failsOver: isCluster || asksSentinels,
    open: async () => (await loaded(import("./existing-commands.ts"))).existingCommands(recognized),
  };
}

function sentinelsOf({ options }: IoredisClient): unknown {
  const { sentinels }: { sentinels?: unknown } = options;
  return sentinels;
}
