import { checkOptionNames } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import { invalidConfig } from "./config-error.ts";
import { type MemorySettings, memorySettings } from "./memory-settings.ts";
import type { RedisBackendOptions, RedisMemoryOptions } from "./redis-options.ts";
import { type PlaceOptions, type Topology, topologyOf } from "./topology.ts";
import { parseUrl } from "./url.ts";

/** What the options of a backend with connections of its own come to, checked and complete. */
export interface Settings {
  readonly memories: MemorySettings;
  readonly topology: Topology;
}

/** What is known of a client that was given. */
interface GivenClient {
  readonly isCluster: boolean;
  /** Whether a server that is away is replaced by another. */
  readonly failsOver: boolean;
}

/** Options that say where the servers are: one of them may be given. */
const placeNames = ["addr", "url", "cluster", "sentinel"] as const;
const connectionNames = [...placeNames, "addressMap", "username", "password", "db", "poolSize", "tls"] as const;
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

/** The same for a client that was given: the options may only say how memories are kept. */
export function givenSettingsOf(options: RedisMemoryOptions, { isCluster, failsOver }: GivenClient): MemorySettings {
  checkOptionNames("RedisBackend", options, optionNames, BACKEND);
  const name = connectionNames.find((connectionName) => connectionName in options);
  if (name !== undefined) {
    throw invalidConfig(
      `\`${name}\` cannot be set for a client that was given.`,
      "Give it to the client, before you give the client to the backend.",
    );
  }
  const memories = memorySettings(options, isCluster);
  checkReads(memories, failsOver);
  return memories;
}

function checkReads({ reads }: MemorySettings, failsOver: boolean): void {
  if (reads === "replica" && !failsOver)
    throw invalidConfig('`reads: "replica"` is for clusters and sentinels: of one server, no replica is known.');
}

/** The options, and what the URL says and they do not. */
function withUrl(options: RedisBackendOptions): PlaceOptions {
  const { url, addr } = options;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const [one, other] = placeNames.filter((name) => name in given);
  if (other !== undefined) throw invalidConfig(`\`${one}\` and \`${other}\` are both given.`, "Give one of them.");
  const inUrl = url ?? (typeof addr === "string" && addr.includes("://") ? addr : undefined);
  return inUrl === undefined ? given : { ...parseUrl(inUrl), ...given };
}
