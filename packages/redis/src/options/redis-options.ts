import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Ttl } from "@deep-agent/core/adapter";

/** How memories are kept, whoever made the client. */
export interface RedisMemoryOptions {
  /**
   * How long a memory lives after its last write or `touch`: `"7d"`, milliseconds, or `0` or `null` for ever.
   * Default `"7d"`.
   */
  ttl?: Ttl | undefined;
  /** What every key begins with, taken literally. Default `"deep-agent:memories:"`. */
  prefix?: string | undefined;
  /** By when every operation settles, in milliseconds. Default 5,000. */
  timeoutMs?: number | undefined;
  /**
   * Whether the index that `recent` reads is kept. Default `true`, on a cluster `false`; never with an empty prefix.
   */
  index?: boolean | undefined;
  /**
   * How many records a memory keeps, at least one entry: older entries go when newer ones come. Default `null`: all.
   */
  maxRecords?: number | null | undefined;
  /** When a write counts as done. Default `"memory"`: when the master has it in its memory. */
  durability?: Durability | undefined;
  /**
   * Who answers `load`, `info`, and each `read` that names no revision. Default `"master"`; `"replica"`: a replica if
   * one is known, which may not have the newest turns yet. For clusters and sentinels.
   */
  reads?: "master" | "replica" | undefined;
}

/** `replicas`: that many have it, too, within `timeoutMs` milliseconds (default 1,000). */
export type Durability = "memory" | { replicas: number; timeoutMs?: number | undefined };

/** Where the servers are, how to connect to them, and how memories are kept. */
export interface RedisBackendOptions extends RedisMemoryOptions {
  /** `"host:port"`, `"host"` or `"[::1]:6379"`. Default `"localhost:6379"`. */
  addr?: string | undefined;
  /** `"redis://user:password@host:6379/2?ttl=24h&prefix=app:"`, in the place of `addr`. Other options win over it. */
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
  /**
   * TLS: `true`, or the options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername`. Default: as the URL says,
   * or `false`.
   */
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
