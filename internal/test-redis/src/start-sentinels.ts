import { disposeAll } from "./dispose-all.ts";
import { eventually } from "./eventually.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
import { checkReplication } from "./sentinel-readiness.ts";
import { SentinelSet } from "./sentinel-set.ts";
import { startAll } from "./start-all.ts";
import { topologyEngine } from "./topology-engine.ts";

/**
 * `password` is that of the servers, and is set by this; sentinels have none. TLS is set up by the arguments, and with `tls` all speak
 * it among themselves, too. Sentinels get only those arguments that are about TLS.
 */
export interface SentinelOptions extends Pick<RedisServerOptions, "args" | "password" | "tls" | "engine"> {
  /** How many the master has. Default 2. */
  replicas?: number;
  /** How many. Default 3. Two of them must agree that the master is down, or the only one. */
  sentinels?: number;
  /** After how long in ms without an answer a server is down. Default 1000. */
  downAfterMs?: number;
}

/** How long the replicas may take to get their first data, in ms. */
const REPLICATION_LIMIT = 20_000;

/** After how long in ms the sentinels give a failover up that does not get on. They begin no other within twice that time. */
const FAILOVER_TIMEOUT = 3_000;

/** How often in ms they ask servers and each other, and tell of themselves. By default it is every 10, 1, and 2 seconds. */
const HASTE = ["info-period", "200", "ask-period", "200", "publish-period", "200"];

/** So long in ms a sentinel that was frozen, or that the machine kept waiting, judges nobody. By default it is 30 s. */
const CAUTION = ["tilt-period", "1000"];

/** A master with replicas and sentinels in which all is well. It takes Redis 7. Dispose of it, whatever the test came to. */
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
    if (master === undefined) throw new RangeError("A master has no fewer than 0 replicas.");
    await Promise.all(others.map((server) => follow(server, master)));
    // What the master does not know then, its sentinels would learn late.
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

/** It is to remember that after a restart; the sentinels see to it later. */
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
