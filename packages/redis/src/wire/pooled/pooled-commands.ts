import type { Topology } from "../../options/topology.ts";
import { ClusterCommands } from "../cluster/cluster-commands.ts";
import type { RedisCommands } from "../redis-commands.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { PooledClusterNodes } from "./pooled-cluster-nodes.ts";
import { SentinelCommands } from "./sentinel.ts";

/** The command port over connections of our own. `timeoutMs`: how long making one may take. */
export function pooledCommands(topology: Topology, timeoutMs: number): RedisCommands {
  switch (topology.kind) {
    case "server":
      return new ConnectionPool(topology.settingsAt(topology.address), timeoutMs);
    case "cluster":
      return new ClusterCommands(new PooledClusterNodes(topology, timeoutMs));
    case "sentinel":
      return new SentinelCommands(topology, timeoutMs);
  }
}
