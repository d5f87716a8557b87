import type { Address } from "../../options/address.ts";
import type { Topology } from "../../options/topology.ts";
import { loaded } from "../loaded.ts";
import type { CommandSource } from "../redis-commands.ts";

/** A source of the command port over the backend's own connections. `timeoutMs`: how long opening one may take. */
export function pooledSource(topology: Topology, timeoutMs: number): CommandSource {
  return {
    name: nameOf(topology),
    isCluster: topology.kind === "cluster",
    failsOver: topology.kind !== "server",
    needsKeys: topology.protocol === 2,
    open: async () => (await loaded(import("./pooled-commands.ts"))).pooledCommands(topology, timeoutMs),
  };
}

function nameOf(topology: Topology): string {
  switch (topology.kind) {
    case "server":
      return shown(topology.address);
    case "cluster":
      return `the cluster of ${topology.nodes.map(shown).join(", ")}`;
    case "sentinel":
      return `the master ${JSON.stringify(topology.name)} of the sentinels ${topology.sentinels.map(shown).join(", ")}`;
  }
}

function shown({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
