import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Ttl } from "@deep-agent/core/adapter";

/** How memories are kept, with own connections or with an existing client. */
export interface RedisMemoryOptions {
  /**
   * How long a memory lives after its last write or `touch`: a text such as `"7d"`, or milliseconds. `0` or `null`: for
   * ever. Default `"7d"`.
   */
  ttl?: Ttl | undefined;
  /** The beginning of every key, taken literally. Default `"deep-agent:memories:"`. */
  prefix?: string | undefined;
  /**
   * The deadline of each call, in milliseconds. For `list`, `recent` and `reindex`, each page has it. Default 5,000.
   */
  timeoutMs?: number | undefined;
  /**
   * Whether the index that `recent` reads is kept. Default `true`, on a cluster `false`. With an empty prefix no index
   * is kept.
   */
  index?: boolean | undefined;
  /**
   * How many records a memory keeps. Appends remove the oldest entries (whole appends) beyond this number. The newest
   * entry always stays whole. Default `null`: all.
   */
  maxRecords?: number | null | undefined;
  /**
   * When a write counts as done. Default `"memory"`: when the master has it in its memory. With `{ replicas }`, a write
   * that too few replicas confirm in time rejects with `DURABILITY`.
   */
  durability?: Durability | undefined;
  /**
   * Which server answers `load`, `info`, and each `read` without a revision. Default `"master"`. `"replica"`: a replica
   * if one is known, which may not have the newest turns yet. Only for clusters and sentinels.
   */
  reads?: "master" | "replica" | undefined;
}

/**
 * Gives the password for one new connection, such as a token of a cloud's identity service. `signal` is aborted if the
 * connection is given up meanwhile. An empty string: no password is sent. If the function throws or rejects, or gives
 * no string, the calls that need the connection reject with `UNAUTHORIZED`.
 */
export type PasswordFunction = (request: { signal: AbortSignal }) => string | Promise<string>;

/** When a write counts as done. `"memory"`: when the master has it. An object: when some replicas have it, too. */
export type Durability =
  | "memory"
  | {
      /** The number of replicas that must have the write: 1 to 1,000. */
      replicas: number;
      /** How long they may take, in ms; after that, the write rejects with `DURABILITY`. Default 1,000. */
      timeoutMs?: number | undefined;
    };

/** Where the servers are, how to connect to them, and how memories are kept. */
export interface RedisBackendOptions extends RedisMemoryOptions {
  /** `"host:port"`, `"host"`, `"[::1]:6379"`, or a URL as in `url`. Default `"localhost:6379"`. */
  addr?: string | undefined;
  /** `"redis://user:password@host:6379/2?ttl=24h&prefix=app:"`, instead of `addr`. Other options override the URL. */
  url?: string | undefined;
  /** The ACL user of the servers. Default: Redis's `default` user. */
  username?: string | undefined;
  /**
   * The password for the servers, or a function that is asked for the password of each new connection. Default: no
   * password is sent.
   */
  password?: string | PasswordFunction | undefined;
  /** Some nodes of a cluster, instead of `addr`. The others are found. A `url` may have several hosts, too. */
  cluster?: readonly string[] | undefined;
  /** The sentinels, and the name of their master, instead of `addr`. */
  sentinel?: SentinelOptions | undefined;
  /**
   * Translates addresses that a cluster or sentinels report, for example if there is NAT:
   * `{ "10.0.0.1:6379": "localhost:7001" }`. Default: no translation.
   */
  addressMap?: Readonly<Record<string, string>> | undefined;
  /** The number of the database. Default 0, the only one on a cluster. */
  db?: number | undefined;
  /** The maximum number of connections to each server. Default 10. */
  poolSize?: number | undefined;
  /**
   * How long a connection may be idle before it is closed, in ms. The next call opens another one. `0` or `null`: for
   * ever. Default 30,000.
   */
  idleTimeoutMs?: number | null | undefined;
  /**
   * The version of Redis's protocol. Default 3. `2`: connections are made without HELLO, for servers and proxies that
   * do not know it.
   */
  protocol?: 2 | 3 | undefined;
  /** The version of IP to which host names are resolved: 4, 6, or `0` for both. Default 0. */
  family?: 0 | 4 | 6 | undefined;
  /**
   * TLS: `true`, or the options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername`. Default: `true` for a
   * `rediss:` URL, otherwise `false`.
   */
  tls?: boolean | TlsOptions | undefined;
}

/** How to find the master through Redis Sentinel. */
export interface SentinelOptions {
  /** The name of the master in the sentinels' configuration. */
  name: string;
  /** The sentinels: `"host:port"`, or `"host"` for port 26379. */
  nodes: readonly string[];
  /** The ACL user of the sentinels. The backend's `username` is for the servers. Default: Redis's `default` user. */
  username?: string | undefined;
  /**
   * The password for the sentinels, or a function that is asked for it. The backend's `password` is for the servers.
   * Default: no password is sent.
   */
  password?: string | PasswordFunction | undefined;
  /** TLS to the sentinels. Default: the backend's `tls`. */
  tls?: boolean | TlsOptions | undefined;
}
