import { checkOptionNames } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import { invalidConfig } from "./config-error.ts";
import { type MemorySettings, memorySettings } from "./memory-settings.ts";
import type { RedisBackendOptions, RedisMemoryOptions } from "./redis-options.ts";
import { type PlaceOptions, type Topology, topologyOf } from "./topology.ts";
import { parseUrl } from "./url.ts";

/** The checked options of a backend that opens its own connections, with defaults. */
export interface Settings {
  readonly memories: MemorySettings;
  readonly topology: Topology;
}

/** What is known about an existing client. */
interface GivenClient {
  readonly isCluster: boolean;
  /** Whether another server can take the place of one that is down. */
  readonly failsOver: boolean;
}

/** Options that say where the servers are. Only one of them may be given. */
const placeNames = ["addr", "url", "cluster", "sentinel"] as const;
const lineNames = ["poolSize", "idleTimeoutMs", "protocol", "family", "tls"] as const;
const connectionNames = [...placeNames, "addressMap", "username", "password", "db", ...lineNames] as const;
const memoryNames = ["ttl", "prefix", "timeoutMs", "index", "maxRecords", "durability", "reads"] as const;
const optionNames: readonly (keyof RedisBackendOptions)[] = [...connectionNames, ...memoryNames];

/** Checks the options, and fills in the defaults. Throws `INVALID_CONFIG`. */
export function settingsOf(options: RedisBackendOptions): Settings {
  checkOptionNames("RedisBackend", options, optionNames, BACKEND);
  const all = withUrl(options);
  const memories = memorySettings(all, all.cluster !== undefined);
  const topology = topologyOf(all);
  checkReads(memories, topology.kind !== "server");
  return { memories, topology };
}

/** The same for an existing client: the options may only say how memories are kept. */
export function givenSettingsOf(options: RedisMemoryOptions, { isCluster, failsOver }: GivenClient): MemorySettings {
  checkOptionNames("RedisBackend", options, optionNames, BACKEND);
  const name = connectionNames.find((connectionName) => connectionName in options);
  if (name !== undefined) {
    throw invalidConfig(`\`${name}\` cannot be set with fromClient().`, "Set it on the client instead.");
  }
  const memories = memorySettings(options, isCluster);
  checkReads(memories, failsOver);
  return memories;
}

function checkReads({ reads }: MemorySettings, failsOver: boolean): void {
  if (reads === "replica" && !failsOver)
    throw invalidConfig('`reads: "replica"` needs a cluster or sentinels: a single server names no replicas.');
}

/** The options, completed by those of the URL. */
function withUrl(options: RedisBackendOptions): PlaceOptions {
  const { url, addr } = options;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const [one, other] = placeNames.filter((name) => name in given);
  if (other !== undefined) throw invalidConfig(`\`${one}\` and \`${other}\` are both given.`, "Give one of them.");
  const inUrl = url ?? (typeof addr === "string" && addr.includes("://") ? addr : undefined);
  return inUrl === undefined ? given : { ...parseUrl(inUrl), ...given };
}
