import type { Address } from "../../options/address.ts";
import { connectionSettings, type RedisBackendOptions, topologyOf } from "../../options/redis-options.ts";
import { ClusterCommands } from "../cluster/cluster-commands.ts";
import type { RedisCommands } from "../redis-commands.ts";
import { OwnClusterNodes } from "./cluster-nodes.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { SentinelCommands } from "./sentinel.ts";

/** The command port over connections of our own. `timeoutMs`: how long making one may take. */
export function ownCommands(options: RedisBackendOptions, timeoutMs: number): RedisCommands {
  const topology = topologyOf(options);
  const settingsAt = (address: Address): ReturnType<typeof connectionSettings> => connectionSettings(options, address);
  switch (topology.kind) {
    case "server":
      return new ConnectionPool(settingsAt(topology.address), timeoutMs);
    case "cluster":
      return new ClusterCommands(new OwnClusterNodes(topology.nodes, settingsAt, timeoutMs));
    case "sentinel":
      return new SentinelCommands({ ...topology, serverAt: settingsAt }, timeoutMs);
  }
}
