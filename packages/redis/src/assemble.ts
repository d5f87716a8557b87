import { Calls } from "./calls/calls.ts";
import { ScriptRunner } from "./calls/script-runner.ts";
import { warnOfEviction } from "./calls/warn-of-eviction.ts";
import { GoValues } from "./memories/go-values.ts";
import { Listing } from "./memories/listing.ts";
import { LogReader } from "./memories/log-reader.ts";
import { LogWriter } from "./memories/log-writer.ts";
import { RecentIndex } from "./memories/recent-index.ts";
import type { MemorySettings } from "./options/memory-settings.ts";
import type { CommandSource, RedisCommands } from "./wire/redis-commands.ts";

/** The parts of a backend, made at its first call. */
export interface Parts<T extends object> {
  commands: RedisCommands;
  calls: Calls;
  scripts: ScriptRunner;
  reader: LogReader<T>;
  writer: LogWriter;
  listing: Listing;
  index: RecentIndex;
}

export async function assemble<T extends object>(source: CommandSource, settings: MemorySettings): Promise<Parts<T>> {
  const commands = await source.open();
  const calls = new Calls(source.name, settings.timeoutMs, source.failsOver);
  const scripts = new ScriptRunner(commands, settings.replicas, source.needsKeys);
  const values = new GoValues(scripts, settings);
  const index = new RecentIndex(scripts, calls, settings);
  warnOfEviction(commands, settings.timeoutMs);
  return {
    commands,
    calls,
    scripts,
    reader: new LogReader<T>(scripts, calls, values, settings),
    writer: new LogWriter(scripts, calls, values, index, settings),
    listing: new Listing(scripts, calls, settings),
    index,
  };
}
