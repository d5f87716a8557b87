import type { RedisCommands } from "../redis-commands.ts";

/** The nodes of a cluster, as a client reaches them. Addresses are `"host:port"`, as the cluster reports them. */
export interface ClusterNodes {
  /** The addresses of nodes that can be asked for the slot map. */
  known(): readonly string[];
  /** Resolves when some nodes are known. Absent: some are known from the beginning. */
  opened?(): Promise<unknown>;
  /** A port to that node alone. `isReplica`: to read from it as a replica. `undefined`: the client does not know it. */
  at(address: string, isReplica: boolean): Pick<RedisCommands, "send"> | undefined;
  /** The cluster may have changed: slots have these masters now. `key`: a key that was requested, or `""`. */
  changed(masters: ReadonlySet<string>, key: string): void;
  close(): void;
}

export function isSame(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return some.size === others.size && [...some].every((one) => others.has(one));
}
