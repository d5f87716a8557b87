import { TestCluster } from "./cluster.ts";
import { SLOTS } from "./cluster-view.ts";
import { disposeAll } from "./dispose-all.ts";
import { eventually } from "./eventually.ts";
import { busPortOf } from "./free-port.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
import type { ClusterMember } from "./slot-move.ts";
import { startAll } from "./start-all.ts";
import { topologyEngine } from "./topology-engine.ts";

/** `startCluster` sets `password`. The arguments set up TLS; with `tls` the servers also use it among themselves. */
export interface ClusterOptions extends Pick<RedisServerOptions, "args" | "password" | "tls" | "engine"> {
  /**
   * The number of masters. Default 3: with fewer, the rest is not a majority after one dies, and no failover happens.
   */
  masters?: number;
  /** The number of replicas of each master. Default 0. */
  replicas?: number;
  /** After how many ms without an answer a node counts as down. Default 1500. */
  nodeTimeoutMs?: number;
}

/** How long the nodes may take to get to know each other, in ms. */
const MEETING_LIMIT = 20_000;

/** Starts a cluster, and resolves when it is ready. Needs Redis 7. Dispose of it even if the test fails. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { masters = 3, replicas = 0 } = options;
  const engine = await topologyEngine(options.engine);
  const servers = await startAll(
    Array.from({ length: masters * (1 + replicas) }, () =>
      startRedis({ ...options, engine, args: (port) => nodeArguments(port, options) }),
    ),
  );
  try {
    const members = await Promise.all(servers.map(memberOf));
    await Promise.all(members.slice(0, masters).map((member, index) => giveSlots(member.server, index, masters)));
    await introduce(servers);
    await Promise.all(
      members.slice(masters).map(({ server }, index) => {
        const master = members[Math.floor(index / replicas)];
        return master && follow(server, master);
      }),
    );
    const cluster = new TestCluster(members, options.password);
    await cluster.awaitReady();
    return cluster;
  } catch (error) {
    await disposeAll(servers);
    throw error;
  }
}

function nodeArguments(port: number, { args = [], password, tls, nodeTimeoutMs = 1_500 }: ClusterOptions): string[] {
  return [
    ...["--cluster-enabled", "yes", "--cluster-port", String(busPortOf(port))],
    ...["--cluster-node-timeout", String(nodeTimeoutMs)],
    ...["--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no"],
    ...["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"],
    ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
    ...(tls === undefined ? [] : ["--tls-cluster", "yes", "--tls-replication", "yes"]),
    ...(typeof args === "function" ? args(port) : args),
  ];
}

async function memberOf(server: RedisServer): Promise<ClusterMember> {
  return { id: String(await server.command("CLUSTER", "MYID")), server };
}

/**
 * Gives a master its share of the slots, and an epoch of its own, which the masters would have to negotiate otherwise.
 */
async function giveSlots(server: RedisServer, index: number, masters: number): Promise<void> {
  const first = Math.floor((SLOTS * index) / masters);
  const last = Math.floor((SLOTS * (index + 1)) / masters) - 1;
  await server.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
  await server.command("CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
}

/** Introduces each server to every other one, which is quicker than gossip. */
async function introduce(servers: readonly RedisServer[]): Promise<void> {
  const pairs = servers.flatMap((one, index) => servers.slice(index + 1).map((other) => [one, other] as const));
  await Promise.all(
    pairs.map(([one, { host, port }]) => one.command("CLUSTER", "MEET", host, String(port), String(busPortOf(port)))),
  );
}

/** Waits until the server knows the master: it can become a replica only then. */
async function follow(server: RedisServer, master: ClusterMember): Promise<void> {
  await eventually(`Meeting of ${server.addr} and ${master.server.addr}`, MEETING_LIMIT, async () => {
    await server.command("CLUSTER", "REPLICATE", master.id);
  });
}
