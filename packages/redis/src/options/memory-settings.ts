import { checkOptionNames, parseTtl } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import { checkInteger, checkText } from "./check-value.ts";
import { invalidConfig } from "./config-error.ts";
import type { RedisMemoryOptions } from "./redis-options.ts";

const DEFAULT_PREFIX = "deep-agent:memories:";
const DEFAULT_TTL = "7d";
const DEFAULT_TIMEOUT_MS = 5_000;

/** How long a write waits for replicas by default, in ms. */
const DEFAULT_REPLICAS_TIMEOUT_MS = 1_000;

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** How memories are kept: the checked options, with defaults. */
export interface MemorySettings {
  /** Milliseconds. `null`: for ever. */
  readonly ttl: number | null;
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly index: boolean;
  readonly isCluster: boolean;
  readonly maxRecords: number | null;
  readonly reads: "master" | "replica";
  readonly replicas: ReplicaSettings | undefined;
}

/** How many replicas must have a write, and how long to wait for them, in ms. */
export interface ReplicaSettings {
  readonly count: number;
  readonly timeoutMs: number;
}

/** Checks the options and fills in the defaults. Throws `INVALID_CONFIG`. */
export function memorySettings(options: RedisMemoryOptions, isCluster: boolean): MemorySettings {
  const { ttl, prefix, timeoutMs, index, maxRecords, durability, reads = "master" } = options;
  const settings = {
    ttl: parseTtl(ttl === undefined ? DEFAULT_TTL : ttl),
    prefix: checkText("prefix", prefix) ?? DEFAULT_PREFIX,
    timeoutMs: checkInteger("timeoutMs", timeoutMs, 1, MAX_TIMEOUT_MS) ?? DEFAULT_TIMEOUT_MS,
    maxRecords: checkInteger("maxRecords", maxRecords ?? undefined, 1, Number.MAX_SAFE_INTEGER) ?? null,
    replicas: replicaSettings(durability),
    reads,
    isCluster,
  };
  if (reads !== "master" && reads !== "replica") throw invalidConfig('`reads` must be "master" or "replica".');
  if (index !== undefined && typeof index !== "boolean") throw invalidConfig("`index` must be true or false.");
  if (!settings.prefix.isWellFormed())
    throw invalidConfig("`prefix` must be well-formed text: it has a lone surrogate.");
  // The index is one key, so on a cluster every write goes to the node with its slot as well. Hence it is off by
  // default.
  return { ...settings, index: (index ?? !isCluster) && settings.prefix !== "" };
}

function replicaSettings(durability: unknown): ReplicaSettings | undefined {
  if (durability === undefined || durability === "memory") return undefined;
  if (typeof durability !== "object" || durability === null || !("replicas" in durability)) {
    throw invalidConfig('`durability` must be "memory" or { replicas, timeoutMs }.');
  }
  checkOptionNames("`durability`", durability, ["replicas", "timeoutMs"], BACKEND);
  const { replicas, timeoutMs }: { replicas: unknown; timeoutMs?: unknown } = durability;
  const count = checkInteger("durability.replicas", replicas, 1, 1_000);
  if (count === undefined) throw invalidConfig("`durability.replicas` is missing.");
  return {
    count,
    timeoutMs: checkInteger("durability.timeoutMs", timeoutMs, 1, MAX_TIMEOUT_MS) ?? DEFAULT_REPLICAS_TIMEOUT_MS,
  };
}
