import type { ConnectionOptions as TlsOptions } from "node:tls";
import { checkOptionNames } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import { type Address, parseAddress } from "./address.ts";
import { checkInteger, checkOneOf, checkText } from "./check-value.ts";
import { invalidConfig } from "./config-error.ts";
import type { PasswordFunction, RedisBackendOptions, SentinelOptions } from "./redis-options.ts";

const DEFAULT_POOL_SIZE = 10;
const DEFAULT_IDLE_TIMEOUT_MS = 30_000;
const SENTINEL_PORT = 26_379;

/** The longest delay of a timer of Node, in ms. */
const MAX_TIMER = 2 ** 31 - 1;

/** How to reach one server: the checked options, with defaults. */
export interface ConnectionSettings extends Address {
  readonly username: string | undefined;
  readonly password: string | PasswordFunction | undefined;
  readonly db: number;
  readonly poolSize: number;
  /** How long a connection may be idle, in ms. `0`: for ever. */
  readonly idleTimeoutMs: number;
  readonly protocol: 2 | 3;
  readonly family: 0 | 4 | 6;
  readonly tls: boolean | TlsOptions;
  /** Whether it is a replica of a cluster: such a connection needs READONLY before it can read. */
  readonly isReplica?: boolean;
}

/** How to reach the server at an address. */
interface Reachable {
  /** The version of the protocol. `2`: there may be a proxy that knows few commands. */
  readonly protocol: 2 | 3;
  readonly settingsAt: (address: Address) => ConnectionSettings;
}

interface ServerTopology extends Reachable {
  readonly kind: "server";
  readonly address: Address;
}

export interface ClusterTopology extends Reachable {
  readonly kind: "cluster";
  readonly nodes: readonly Address[];
}

export interface SentinelTopology extends Reachable {
  readonly kind: "sentinel";
  /** The name of the master in the sentinels' configuration. */
  readonly name: string;
  readonly sentinels: readonly ConnectionSettings[];
}

/** Where the servers are and how to reach them, checked. */
export type Topology = ServerTopology | ClusterTopology | SentinelTopology;

/** Options, with the host and port of a URL. */
export type PlaceOptions = RedisBackendOptions & Partial<Address>;

/** Reads where the servers are and how to reach them. Throws `INVALID_CONFIG`. */
export function topologyOf(options: PlaceOptions): Topology {
  const { addr, host, port, cluster, sentinel, db, poolSize } = options;
  const lead = redirected(options.addressMap);
  const line = checkLine(options);
  const common = {
    ...checkAccess(options),
    ...line,
    db: checkInteger("db", db, 0, 2 ** 31 - 1) ?? 0,
    poolSize: checkInteger("poolSize", poolSize, 1, 10_000) ?? DEFAULT_POOL_SIZE,
  };
  const reachable: Reachable = {
    protocol: line.protocol,
    settingsAt: (address) => ({ ...lead(address), ...common }),
  };
  if (sentinel !== undefined)
    return { kind: "sentinel", ...sentinelsOf(sentinel, options.tls, line, lead), ...reachable };
  if (cluster !== undefined) {
    if (db) throw invalidConfig("`db` must be 0 on a cluster: it has no other database.");
    return { kind: "cluster", nodes: addressesOf("cluster", cluster), ...reachable };
  }
  const address = host === undefined || port === undefined ? parseAddress(addr) : { host, port };
  return { kind: "server", address, ...reachable };
}

function sentinelsOf(
  sentinel: SentinelOptions,
  defaultTls: SentinelOptions["tls"],
  line: Line,
  lead: (address: Address) => Address,
): Pick<SentinelTopology, "name" | "sentinels"> {
  if (typeof sentinel !== "object" || sentinel === null || typeof sentinel.name !== "string" || sentinel.name === "") {
    throw invalidConfig("`sentinel` must be an object with the `name` of the master and the `nodes` to ask.");
  }
  checkOptionNames("`sentinel`", sentinel, ["name", "nodes", "username", "password", "tls"], BACKEND);
  const { name, nodes, username, password, tls = defaultTls } = sentinel;
  const common = { ...checkAccess({ username, password, tls }), ...line, db: 0, poolSize: 1 };
  const sentinels = addressesOf("sentinel.nodes", nodes, SENTINEL_PORT).map((address) => ({
    ...lead(address),
    ...common,
  }));
  return { name, sentinels };
}

function addressesOf(option: string, nodes: unknown, defaultPort?: number): Address[] {
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw invalidConfig(`\`${option}\` must be a non-empty list of addresses.`, 'Write ["host:port", …].');
  // An address without a host means localhost elsewhere. In a list it is most likely a mistake.
  if (nodes.some((node) => node === "" || (typeof node === "string" && node.startsWith(":"))))
    throw invalidConfig(`\`${option}\` has an address without a host.`, "Check for an extra comma.");
  return nodes.map((node) => parseAddress(node, defaultPort));
}

/** Translates addresses by the map. */
function redirected(addressMap: unknown = {}): (address: Address) => Address {
  if (typeof addressMap !== "object" || addressMap === null) {
    throw invalidConfig('`addressMap` must be an object: { "10.0.0.1:6379": "localhost:7001" }.');
  }
  const entries = Object.entries(addressMap).map(([from, to]) => [parseAddress(from), parseAddress(to)] as const);
  return ({ host, port }) => {
    const [, place] = entries.find(([from]) => from.host === host && from.port === port) ?? [];
    return place ?? { host, port };
  };
}

type Line = Pick<ConnectionSettings, "idleTimeoutMs" | "protocol" | "family">;

function checkLine({ idleTimeoutMs, protocol, family }: Pick<RedisBackendOptions, keyof Line>): Line {
  const forEver = idleTimeoutMs === null ? 0 : idleTimeoutMs;
  return {
    idleTimeoutMs: checkInteger("idleTimeoutMs", forEver, 0, MAX_TIMER) ?? DEFAULT_IDLE_TIMEOUT_MS,
    protocol: checkOneOf("protocol", protocol, [2, 3]) ?? 3,
    family: checkOneOf("family", family, [0, 4, 6]) ?? 0,
  };
}

type Access = Pick<ConnectionSettings, "username" | "password" | "tls">;

function checkAccess({ username, password, tls }: Pick<RedisBackendOptions, keyof Access>): Access {
  if (tls !== undefined && typeof tls !== "boolean" && (typeof tls !== "object" || tls === null)) {
    throw invalidConfig("`tls` must be true, false or options of tls.connect.");
  }
  return {
    username: checkText("username", username) || undefined,
    password: checkPassword(password) || undefined,
    tls: tls ?? false,
  };
}

function checkPassword(password: RedisBackendOptions["password"]): string | PasswordFunction | undefined {
  if (password === undefined || typeof password === "string" || typeof password === "function") return password;
  throw invalidConfig("`password` must be a string, or a function that gives one.");
}
