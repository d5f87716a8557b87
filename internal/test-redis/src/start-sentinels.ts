import { disposeAll } from "./dispose-all.ts";
import { eventually } from "./eventually.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
import { checkReplication } from "./sentinel-readiness.ts";
import { SentinelSet } from "./sentinel-set.ts";
import { startAll } from "./start-all.ts";
import { topologyEngine } from "./topology-engine.ts";

/**
 * `startSentinels` sets `password` on the servers; sentinels have no password. The arguments set up TLS; with `tls`
 * servers and sentinels also use it among themselves. Sentinels get only the arguments about TLS.
 */
export interface SentinelOptions extends Pick<RedisServerOptions, "args" | "password" | "tls" | "engine"> {
  /** The number of the master's replicas. Default 2. */
  replicas?: number;
  /** The number of sentinels. Default 3. Two of them must agree that the master is down; a single one decides alone. */
  sentinels?: number;
  /** After how many ms without an answer a server counts as down. Default 1000. */
  downAfterMs?: number;
}

/** How long the replicas may take to get their first data, in ms. */
const REPLICATION_LIMIT = 20_000;

/** After how many ms the sentinels give up a stuck failover. They begin no other one within twice that time. */
const FAILOVER_TIMEOUT = 3_000;

/**
 * How often sentinels ask servers and each other, and announce themselves, in ms. Redis's defaults: 10, 1 and 2
 * seconds.
 */
const HASTE = ["info-period", "200", "ask-period", "200", "publish-period", "200"];

/**
 * How long a sentinel that was frozen, or delayed by a busy machine, makes no decisions, in ms. Redis's default: 30 s.
 */
const CAUTION = ["tilt-period", "1000"];

/**
 * Starts a master with replicas and sentinels. Resolves when all are ready. Needs Redis 7. Dispose of it in any case.
 */
export async function startSentinels(options: SentinelOptions = {}): Promise<SentinelSet> {
  const { replicas = 2, sentinels = 3, password, tls } = options;
  const engine = await topologyEngine(options.engine);
  const startServer = (): Promise<RedisServer> =>
    startRedis({ ...options, engine, args: (port) => serverArguments(port, options) });
  const startSentinel = (): Promise<RedisServer> =>
    startRedis({ engine, ...(tls && { tls }), args: (port) => sentinelArguments(port, options) });
  const all = await startAll([
    ...Array.from({ length: 1 + replicas }, startServer),
    ...Array.from({ length: sentinels }, startSentinel),
  ]);
  try {
    const set = new SentinelSet(all.slice(0, 1 + replicas), all.slice(1 + replicas));
    const [master, ...others] = set.servers;
    if (master === undefined) throw new RangeError(`Invalid number of replicas: ${replicas}.`);
    await Promise.all(others.map((server) => follow(server, master)));
    // The sentinels would learn late of a replica that the master does not know when they start to watch it.
    await eventually("Replication", REPLICATION_LIMIT, () => checkReplication(set.servers));
    const quorum = Math.min(2, sentinels);
    const settings = [
      ...["down-after-milliseconds", String(options.downAfterMs ?? 1_000)],
      ...["failover-timeout", String(FAILOVER_TIMEOUT), "parallel-syncs", "1"],
      ...(password === undefined ? [] : ["auth-pass", password]),
    ];
    await Promise.all(set.sentinelServers.map((sentinel) => watch(sentinel, set.name, master, quorum, settings)));
    await set.awaitReady();
    return set;
  } catch (error) {
    await disposeAll(all);
    throw error;
  }
}

function serverArguments(port: number, { args, password, tls }: SentinelOptions): string[] {
  return [
    ...["--replica-announce-ip", "127.0.0.1", "--repl-diskless-sync-delay", "0"],
    ...["--repl-ping-replica-period", "1", "--repl-timeout", "10"],
    ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
    ...(tls === undefined ? [] : ["--tls-replication", "yes"]),
    ...argumentsFor(port, args),
  ];
}

function sentinelArguments(port: number, { args, tls }: SentinelOptions): string[] {
  if (tls === undefined) return ["--sentinel"];
  const about: string[] = [];
  let isTaken = false;
  for (const word of argumentsFor(port, args)) {
    if (word.startsWith("--")) isTaken = word === "--port" || word.startsWith("--tls-");
    if (isTaken) about.push(word);
  }
  return ["--sentinel", "--tls-replication", "yes", ...about];
}

function argumentsFor(port: number, args: RedisServerOptions["args"] = []): readonly string[] {
  return typeof args === "function" ? args(port) : args;
}

/** Makes the server a replica, and keeps that over a restart. Later the sentinels see to it. */
async function follow(server: RedisServer, master: RedisServer): Promise<void> {
  await server.command("REPLICAOF", master.host, String(master.port));
  await server.command("CONFIG", "REWRITE");
}

async function watch(
  sentinel: RedisServer,
  name: string,
  { host, port }: RedisServer,
  quorum: number,
  settings: readonly string[],
): Promise<void> {
  await sentinel.command("SENTINEL", "DEBUG", ...HASTE, ...CAUTION);
  await sentinel.command("SENTINEL", "MONITOR", name, host, String(port), String(quorum));
  await sentinel.command("SENTINEL", "SET", name, ...settings);
}
