import { RedisBackend, type RedisMemoryOptions } from "../../src/index.ts";
import type { Address } from "../../src/options/address.ts";
import { topologyOf } from "../../src/options/topology.ts";
import { ConnectionPool } from "../../src/wire/pooled/connection-pool.ts";
import type { RedisCommands } from "../../src/wire/redis-commands.ts";

/** A backend over a command port of the test's, which `close()` closes. */
export function backendOver<T extends object>(
  commands: RedisCommands,
  options: RedisMemoryOptions = {},
): RedisBackend<T> {
  const { masters, failsOver = false } = commands;
  const open = async (): Promise<RedisCommands> => commands;
  return new RedisBackend<T>(options, { name: "the Redis server", isCluster: masters !== undefined, failsOver, open });
}

/** Connections to a server, as a backend of its own would have them. */
export function poolAt({ host, port }: Address, timeoutMs: number): ConnectionPool {
  return new ConnectionPool(topologyOf({}).settingsAt({ host, port }), timeoutMs);
}
