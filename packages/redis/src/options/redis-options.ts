import type { ConnectionOptions as TlsOptions } from "node:tls";
import { parseTtl, type Ttl } from "@deep-agent/core/adapter";
import { type Address, DEFAULT_PORT, parseAddress, parseUrl } from "./address.ts";
import { invalidConfig } from "./config-error.ts";

/** How memories are kept, whoever made the client. */
export interface MemoryOptions {
  /** How long a memory lives after its last write or `touch`: `"7d"`, milliseconds, or `0` or `null` for ever. Default `"7d"`. */
  ttl?: Ttl | undefined;
  /** What every key begins with, taken literally. Default `"deep-agent:memories:"`. */
  prefix?: string | undefined;
  /** By when every operation settles, in milliseconds. Default 5,000. */
  timeoutMs?: number | undefined;
  /** Whether the index behind `recent` is kept. Default `true`; without a prefix there is none. */
  index?: boolean | undefined;
  /** How many records a memory keeps, at least one entry: older entries go when newer ones come. Default `null`: all. */
  maxRecords?: number | null | undefined;
  /** When a write counts as done. Default `"memory"`: when the master has it in its memory. */
  durability?: Durability | undefined;
  /**
   * Who answers `load`, `info`, and what of `read` does not name a revision. Default `"master"`; `"replica"`: a replica where one is known, which
   * may lag behind. For clusters and sentinels.
   */
  reads?: "master" | "replica" | undefined;
}

/** `replicas`: so many have it, too, within `timeoutMs` milliseconds (default 1,000). */
export type Durability = "memory" | { replicas: number; timeoutMs?: number | undefined };

export interface RedisBackendOptions extends MemoryOptions {
  /** `"host:port"`, `"host"` or `"[::1]:6379"`. Default `"localhost:6379"`. */
  addr?: string | undefined;
  /** `"redis://user:password@host:6379/2?ttl=24h&prefix=app:"`, in the place of `addr`. What is also given as an option is as the option says. */
  url?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Some nodes of a cluster, in the place of `addr`: the others are found. `url` may have several hosts instead. */
  cluster?: readonly string[] | undefined;
  /** What the sentinels call the master, and where they are, in the place of `addr`. */
  sentinel?: SentinelOptions | undefined;
  /** Where addresses that a cluster or sentinels tell really lead: `{ "10.0.0.1:6379": "localhost:7001" }`. */
  addressMap?: Readonly<Record<string, string>> | undefined;
  /** Number of the database. Default 0, which is all that a cluster has. */
  db?: number | undefined;
  /** How many connections are opened at most, to each server. Default 10. */
  poolSize?: number | undefined;
  /** TLS: `true`, or the options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername`. Default: as the URL says, or `false`. */
  tls?: boolean | TlsOptions | undefined;
}

/** Sentinels and what they watch. */
export interface SentinelOptions {
  /** What they call the master. */
  name: string;
  /** `"host:port"` of each; the default port is 26379. */
  nodes: readonly string[];
  /** For the sentinels themselves; `username` and `password` of the backend are for the servers. */
  username?: string | undefined;
  password?: string | undefined;
  /** Default: as the backend's. */
  tls?: boolean | TlsOptions | undefined;
}

export const DEFAULT_PREFIX = "deep-agent:memories:";
export const DEFAULT_TTL = "7d";
export const DEFAULT_POOL_SIZE = 10;
export const DEFAULT_TIMEOUT_MS = 5_000;

const SENTINEL_PORT = 26_379;

/** How memories are kept, checked and complete. */
export interface MemorySettings {
  /** Milliseconds; `null`: for ever. */
  readonly ttl: number | null;
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly index: boolean;
  readonly isCluster: boolean;
  readonly maxRecords: number | null;
  readonly reads: "master" | "replica";
  /** How many replicas have to have a write, and how long that may take, in ms; `undefined`: none. */
  readonly replicas: { readonly count: number; readonly timeoutMs: number } | undefined;
}

/** Where the servers are, checked. */
export type Topology =
  | { readonly kind: "server"; readonly address: Address }
  | { readonly kind: "cluster"; readonly nodes: readonly Address[] }
  | { readonly kind: "sentinel"; readonly name: string; readonly sentinels: readonly ConnectionSettings[] };

/** How to reach one server, checked and complete. */
export interface ConnectionSettings extends Address {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly poolSize: number;
  readonly tls: boolean | TlsOptions;
  /** Whether it is a replica of a cluster, that is to be told that it is read from. */
  readonly isReplica?: boolean;
}

export type OptionName = keyof RedisBackendOptions;

/** Those that say where the servers are: one of them may be given. */
const placeNames = ["addr", "url", "cluster", "sentinel"] as const;
const memoryOptionNames = ["ttl", "prefix", "timeoutMs", "index", "maxRecords", "durability", "reads"] as const;
const optionNames: readonly string[] = [
  ...placeNames,
  ...["addressMap", "username", "password", "db", "poolSize", "tls"],
  ...memoryOptionNames,
];

/** The names of {@link MemoryOptions}. */
export function isMemoryOption(name: string): boolean {
  return memoryOptionNames.some((known) => known === name);
}

/** Throws `INVALID_CONFIG` for an option that does not exist, or that is for a connection which is not ours to make. */
export function checkOptionNames(options: unknown, ownConnection: boolean): asserts options is RedisBackendOptions {
  if (typeof options !== "object" || options === null)
    throw invalidConfig("The options of a RedisBackend must be an object.");
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name)) {
      throw invalidConfig(
        `RedisBackend has no option ${JSON.stringify(name)}.`,
        `The options are ${optionNames.join(", ")}.`,
      );
    }
    if (!ownConnection && !isMemoryOption(name)) throw foreignConnection(name);
  }
}

export function foreignConnection(name: string): Error {
  return invalidConfig(
    `\`${name}\` cannot be set for a client that was given.`,
    "Give it to the client, before you give the client to the backend.",
  );
}

/**
 * The options, checked, with defaults for what is not given; `onCluster` says whether they are for a cluster's client. Throws
 * `INVALID_CONFIG`; no password is in the message.
 */
export function memorySettings(options: RedisBackendOptions, onCluster?: boolean): MemorySettings {
  const { ttl, prefix, timeoutMs, index, maxRecords, durability, reads = "master", cluster } = withUrl(options);
  const settings = {
    ttl: parseTtl(ttl === undefined ? DEFAULT_TTL : ttl),
    prefix: checkText("prefix", prefix) ?? DEFAULT_PREFIX,
    timeoutMs: checkInteger("timeoutMs", timeoutMs, 1, 2 ** 31 - 1) ?? DEFAULT_TIMEOUT_MS,
    maxRecords: checkInteger("maxRecords", maxRecords ?? undefined, 1, Number.MAX_SAFE_INTEGER) ?? null,
    replicas: checkDurability(durability),
    reads,
  };
  if (reads !== "master" && reads !== "replica") throw invalidConfig('`reads` must be "master" or "replica".');
  if (index !== undefined && typeof index !== "boolean") throw invalidConfig("`index` must be true or false.");
  if (!settings.prefix.isWellFormed())
    throw invalidConfig("`prefix` must be well-formed text: it has a lone surrogate.");
  const isCluster = onCluster ?? cluster !== undefined;
  // All memories of a cluster in the slot of one key make it a busy one: that is to be asked for.
  return { ...settings, isCluster, index: (index ?? !isCluster) && settings.prefix !== "" };
}

/** Where the servers are. Throws `INVALID_CONFIG`. */
export function topologyOf(options: RedisBackendOptions): Topology {
  const { addr, host, port, cluster, sentinel, db } = withUrl(options);
  if (sentinel !== undefined) return sentinelsOf(sentinel, options);
  if (cluster !== undefined) {
    if (db) throw invalidConfig("`db` must be 0 on a cluster: it has no other database.");
    return { kind: "cluster", nodes: addressesOf("cluster", cluster) };
  }
  return { kind: "server", address: host === undefined || port === undefined ? parseAddress(addr) : { host, port } };
}

/** Throws `INVALID_CONFIG` where replicas are to be read from, and servers are of a kind of which none is known. */
export function checkReads(options: RedisBackendOptions, failsOver: boolean): void {
  if (withUrl(options).reads === "replica" && !failsOver)
    throw invalidConfig('`reads: "replica"` is for clusters and sentinels: of one server, no replica is known.');
}

/** Throws `INVALID_CONFIG` where servers cannot be reached with these options, as far as they say. */
export function checkConnection(options: RedisBackendOptions): void {
  topologyOf(options);
  connectionSettings(options, { host: "localhost", port: DEFAULT_PORT });
}

/** How to reach the server at that address. Throws `INVALID_CONFIG`. */
export function connectionSettings(options: RedisBackendOptions, address: Address): ConnectionSettings {
  const { username, password, db, poolSize, tls, addressMap } = withUrl(options);
  return {
    ...mapped(address, addressMap),
    ...checkAccess({ username, password, tls }),
    db: checkInteger("db", db, 0, 2 ** 31 - 1) ?? 0,
    poolSize: checkInteger("poolSize", poolSize, 1, 10_000) ?? DEFAULT_POOL_SIZE,
  };
}

function sentinelsOf(sentinel: SentinelOptions, options: RedisBackendOptions): Topology {
  if (typeof sentinel !== "object" || sentinel === null || typeof sentinel.name !== "string" || sentinel.name === "") {
    throw invalidConfig("`sentinel` must be an object with the `name` of the master and the `nodes` to ask.");
  }
  const { name, nodes, username, password, tls = withUrl(options).tls, ...more } = sentinel;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw invalidConfig(`\`sentinel\` has no ${JSON.stringify(unknown)}.`);
  const access = checkAccess({ username, password, tls });
  const sentinels = addressesOf("sentinel.nodes", nodes, SENTINEL_PORT).map((address) => ({
    ...mapped(address, withUrl(options).addressMap),
    ...access,
    db: 0,
    poolSize: 1,
  }));
  return { kind: "sentinel", name, sentinels };
}

function addressesOf(option: string, nodes: unknown, defaultPort?: number): Address[] {
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw invalidConfig(`\`${option}\` must be a list of addresses, with at least one.`, 'Write ["host:port", …].');
  // What would mean localhost in the place of one address is most likely a slip in a list of them.
  if (nodes.some((node) => node === "" || (typeof node === "string" && node.startsWith(":"))))
    throw invalidConfig(`\`${option}\` has an address without a host.`, "See whether there is a comma too many.");
  return nodes.map((node) => parseAddress(node, defaultPort));
}

/** Where an address really leads. */
function mapped({ host, port }: Address, addressMap: unknown = {}): Address {
  if (typeof addressMap !== "object" || addressMap === null) {
    throw invalidConfig('`addressMap` must be an object: { "10.0.0.1:6379": "localhost:7001" }.');
  }
  const entries = Object.entries(addressMap).map(([from, to]) => [parseAddress(from), parseAddress(to)] as const);
  const [, place] = entries.find(([from]) => from.host === host && from.port === port) ?? [];
  return place ?? { host, port };
}

type Access = Pick<ConnectionSettings, "username" | "password" | "tls">;

function checkAccess({ username, password, tls }: Pick<RedisBackendOptions, keyof Access>): Access {
  if (tls !== undefined && typeof tls !== "boolean" && (typeof tls !== "object" || tls === null)) {
    throw invalidConfig("`tls` must be true, false or the options of tls.connect.");
  }
  return {
    username: checkText("username", username) || undefined,
    password: checkText("password", password) || undefined,
    tls: tls ?? false,
  };
}

/** How long replicas have, where it is not said, in ms. */
const REPLICAS_TIMEOUT_MS = 1_000;

function checkDurability(durability: unknown): MemorySettings["replicas"] {
  if (durability === undefined || durability === "memory") return undefined;
  if (typeof durability !== "object" || durability === null || !("replicas" in durability)) {
    throw invalidConfig('`durability` must be "memory" or { replicas, timeoutMs }.');
  }
  const { replicas, timeoutMs, ...more } = durability as Record<string, unknown>;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw invalidConfig(`\`durability\` has no ${JSON.stringify(unknown)}.`);
  const count = checkInteger("durability.replicas", replicas, 1, 1_000);
  if (count === undefined) throw invalidConfig("`durability.replicas` must say how many.");
  return {
    count,
    timeoutMs: checkInteger("durability.timeoutMs", timeoutMs, 1, 2 ** 31 - 1) ?? REPLICAS_TIMEOUT_MS,
  };
}

/** What the URL says, under what the options say. */
function withUrl(options: RedisBackendOptions): RedisBackendOptions & Partial<Address> {
  const { url, addr } = options;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const [one, other] = placeNames.filter((name) => name in given);
  if (other !== undefined) throw invalidConfig(`\`${one}\` and \`${other}\` are both given.`, "Give one of them.");
  const inUrl = url ?? (typeof addr === "string" && addr.includes("://") ? addr : undefined);
  return inUrl === undefined ? given : { ...parseUrl(inUrl), ...given };
}

function checkText(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw invalidConfig(`\`${name}\` must be text.`);
}

function checkInteger(name: string, value: unknown, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value);
  throw invalidConfig(`\`${name}\` must be an integer from ${least} to ${most}.`);
}
