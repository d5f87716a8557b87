import { Operations } from "./calls/calls.ts";
import { ScriptRunner } from "./calls/script-runner.ts";
import { warnOfEviction } from "./calls/warn-of-eviction.ts";
import { Listing } from "./memories/listing.ts";
import { RecentIndex } from "./memories/recent-index.ts";
import { RedisLog } from "./memories/redis-log.ts";
import type { Address } from "./options/address.ts";
import type { MemorySettings, Topology } from "./options/redis-options.ts";
import type { CommandSource, RedisCommands } from "./wire/redis-commands.ts";

/** What a backend is made of when it is first used. */
export interface Parts<T extends object> {
  commands: RedisCommands;
  operations: Operations;
  scripts: ScriptRunner;
  log: RedisLog<T>;
  listing: Listing;
  index: RecentIndex;
}

/** `topology`: where the servers are, if that is known. */
export async function assemble<T extends object>(
  source: CommandSource,
  topology: Topology | undefined,
  settings: MemorySettings,
): Promise<Parts<T>> {
  const commands = await source.open();
  const operations = new Operations(nameOf(topology), settings.timeoutMs, source.failsOver);
  const scripts = new ScriptRunner(commands, settings.replicas);
  const index = new RecentIndex(scripts, operations, settings);
  const listing = new Listing(scripts, operations, settings);
  warnOfEviction(scripts, settings.timeoutMs);
  return {
    commands,
    operations,
    scripts,
    listing,
    index,
    log: new RedisLog<T>(scripts, operations, index, settings),
  };
}

/** How errors call the servers, where they cannot say which one. */
function nameOf(topology: Topology | undefined): string {
  switch (topology?.kind) {
    case undefined:
      return "the Redis server";
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
