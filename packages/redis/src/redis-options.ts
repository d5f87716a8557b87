import type { ConnectionOptions as TlsOptions } from "node:tls";
import { parseTtl, type Ttl } from "@deep-agent/core";
import { type Address, parseAddress, parseUrl } from "./address.ts";
import { invalidConfig } from "./redis-error.ts";

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
}

export interface RedisBackendOptions extends MemoryOptions {
  /** `"host:port"`, `"host"` or `"[::1]:6379"`. Default `"localhost:6379"`. */
  addr?: string | undefined;
  /** `"redis://user:password@host:6379/2?ttl=24h&prefix=app:"`, in the place of `addr`. What is also given as an option is as the option says. */
  url?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Number of the database. Default 0. */
  db?: number | undefined;
  /** How many connections are opened at most. Default 10. */
  poolSize?: number | undefined;
  /** TLS: `true`, or the options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername`. Default: as the URL says, or `false`. */
  tls?: boolean | TlsOptions | undefined;
}

export const DEFAULT_PREFIX = "deep-agent:memories:";
export const DEFAULT_TTL = "7d";
export const DEFAULT_POOL_SIZE = 10;
export const DEFAULT_TIMEOUT_MS = 5_000;

/** How memories are kept, checked and complete. */
export interface MemorySettings {
  /** Milliseconds; `null`: for ever. */
  readonly ttl: number | null;
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly index: boolean;
  readonly maxRecords: number | null;
}

/** How to reach the server, checked and complete. */
export interface ConnectionSettings extends Address {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly poolSize: number;
  readonly tls: boolean | TlsOptions;
}

export type OptionName = keyof RedisBackendOptions;

const memoryOptionNames = ["ttl", "prefix", "timeoutMs", "index", "maxRecords"] as const;
const optionNames: readonly string[] = [
  ...["addr", "url", "username", "password", "db", "poolSize", "tls"],
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

/** The options, checked, with defaults for what is not given. Throws `INVALID_CONFIG`; no password is in the message. */
export function memorySettings(options: RedisBackendOptions): MemorySettings {
  const { ttl, prefix, timeoutMs, index, maxRecords } = withUrl(options);
  const settings = {
    ttl: parseTtl(ttl === undefined ? DEFAULT_TTL : ttl),
    prefix: checkText("prefix", prefix) ?? DEFAULT_PREFIX,
    timeoutMs: checkInteger("timeoutMs", timeoutMs, 1, 2 ** 31 - 1) ?? DEFAULT_TIMEOUT_MS,
    maxRecords: checkInteger("maxRecords", maxRecords ?? undefined, 1, Number.MAX_SAFE_INTEGER) ?? null,
  };
  if (index !== undefined && typeof index !== "boolean") throw invalidConfig("`index` must be true or false.");
  if (!settings.prefix.isWellFormed())
    throw invalidConfig("`prefix` must be well-formed text: it has a lone surrogate.");
  return { ...settings, index: (index ?? true) && settings.prefix !== "" };
}

/** The same for the connection. */
export function connectionSettings(options: RedisBackendOptions): ConnectionSettings {
  const { addr, host, port, username, password, db, poolSize, tls } = withUrl(options);
  if (tls !== undefined && typeof tls !== "boolean" && (typeof tls !== "object" || tls === null)) {
    throw invalidConfig("`tls` must be true, false or the options of tls.connect.");
  }
  return {
    ...(host === undefined || port === undefined ? parseAddress(addr) : { host, port }),
    username: checkText("username", username) || undefined,
    password: checkText("password", password) || undefined,
    db: checkInteger("db", db, 0, 2 ** 31 - 1) ?? 0,
    poolSize: checkInteger("poolSize", poolSize, 1, 10_000) ?? DEFAULT_POOL_SIZE,
    tls: tls ?? false,
  };
}

/** What the URL says, under what the options say. */
function withUrl(options: RedisBackendOptions): RedisBackendOptions & Partial<Address> {
  const { url, addr } = options;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const inUrl = url ?? (typeof addr === "string" && addr.includes("://") ? addr : undefined);
  if (inUrl === undefined) return given;
  if (url !== undefined && addr !== undefined) {
    throw invalidConfig("`addr` and `url` are both given.", "Give one of them.");
  }
  return { ...parseUrl(inUrl), ...given };
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
