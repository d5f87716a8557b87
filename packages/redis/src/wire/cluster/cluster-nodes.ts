import type { RedisCommands } from "../redis-commands.ts";

/** The nodes of a cluster, as some client reaches them. Addresses are `"host:port"`, as the cluster has them. */
export interface ClusterNodes {
  /** Those that may be asked where slots are. */
  known(): readonly string[];
  /** Resolves when some are known; absent if some are known from the beginning. */
  opened?(): Promise<unknown>;
  /** A port to that node alone, to a replica if so said; `undefined`: the client does not know it (yet). */
  at(address: string, isReplica: boolean): Pick<RedisCommands, "send"> | undefined;
  /** The cluster was found to have changed: slots have these masters now. `key` is one that was looked for. */
  changed(masters: ReadonlySet<string>, key: string): void;
  close(): void;
}

export function isSame(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return some.size === others.size && [...some].every((one) => others.has(one));
}
