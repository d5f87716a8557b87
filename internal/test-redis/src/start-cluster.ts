import { TestCluster } from "./cluster.ts";
import { SLOTS } from "./cluster-view.ts";
import { disposeAll } from "./dispose-all.ts";
import { eventually } from "./eventually.ts";
import { busPortOf } from "./free-port.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
import type { ClusterMember } from "./slot-move.ts";
import { startAll } from "./start-all.ts";
import { topologyEngine } from "./topology-engine.ts";

/** `password` is set by this. TLS is set up by the arguments, and with `tls` the servers speak it among themselves, too. */
export interface ClusterOptions extends Pick<RedisServerOptions, "args" | "password" | "tls" | "engine"> {
  /** How many. Default 3: with fewer, those that are left when one dies are no majority, and there is no failover. */
  masters?: number;
  /** How many each master has. Default 0. */
  replicas?: number;
  /** After how long in ms without an answer a node is down. Default 1500. */
  nodeTimeoutMs?: number;
}

/** How long the nodes may take to get to know each other, in ms. */
const MEETING_LIMIT = 20_000;

/** A cluster in which all is well. It takes Redis 7. Dispose of it, whatever the test came to. */
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

/** Its share of them. From the beginning each has an epoch of its own, over which they would have to agree otherwise. */
async function giveSlots(server: RedisServer, index: number, masters: number): Promise<void> {
  const first = Math.floor((SLOTS * index) / masters);
  const last = Math.floor((SLOTS * (index + 1)) / masters) - 1;
  await server.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
  await server.command("CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
}

/** Each to each: that is quicker than gossip. */
async function introduce(servers: readonly RedisServer[]): Promise<void> {
  const pairs = servers.flatMap((one, index) => servers.slice(index + 1).map((other) => [one, other] as const));
  await Promise.all(
    pairs.map(([one, { host, port }]) => one.command("CLUSTER", "MEET", host, String(port), String(busPortOf(port)))),
  );
}

/** Possible only when it knows the master. */
async function follow(server: RedisServer, master: ClusterMember): Promise<void> {
  await eventually(`That ${server.addr} gets to know ${master.server.addr}`, MEETING_LIMIT, async () => {
    await server.command("CLUSTER", "REPLICATE", master.id);
  });
}
