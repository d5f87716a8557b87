import { disposeAll } from "./dispose-all.ts";
import { eventually } from "./eventually.ts";
import { answersOf } from "./living.ts";
import type { RedisServer } from "./redis-server.ts";
import { replicationOf } from "./replication.ts";
import { checkReadiness, type SentinelReport, serverAt } from "./sentinel-readiness.ts";

/** How long it may take by default, in ms: until all is well; a failover. */
const READY_LIMIT = 30_000;
const FAILOVER_LIMIT = 30_000;

/** How long a new master may take to say that it is one, in ms. */
const ROLE_LIMIT = 1_000;

/** A master, its replicas, and the sentinels that watch over them, on loopback; `startSentinels` makes it. */
export class SentinelSet implements AsyncDisposable {
  /** What the sentinels call the master. */
  readonly name: string = "conversations";
  /** The one that was the master at first, and then those that were its replicas. */
  readonly servers: readonly RedisServer[];
  readonly sentinelServers: readonly RedisServer[];

  constructor(servers: readonly RedisServer[], sentinelServers: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinelServers = sentinelServers;
  }

  get sentinels(): readonly { host: string; port: number }[] {
    return this.sentinelServers.map(({ host, port }) => ({ host, port }));
  }

  /** The one that most sentinels name, of those that live. */
  async master(): Promise<RedisServer> {
    const named = await this.#named();
    const votes = (server: RedisServer): number => named.filter((each) => each === server).length;
    const [first] = named.sort((one, other) => votes(other) - votes(one));
    // answersOf rejects where there is none.
    return first as RedisServer;
  }

  /** Those that a living sentinel can reach, as far as it knows. Right after a failover, that may be none for a moment. */
  async replicas(): Promise<RedisServer[]> {
    const master = await this.master();
    const answers = await answersOf(this.sentinelServers, "SENTINEL", "REPLICAS", this.name);
    // This is what a sentinel answers to that. The new master is still there for those who do not know it yet.
    const known = ([...answers.values()] as SentinelReport[][]).flat();
    const living = known.filter((report) => !/[so]_down|disconnected/.test(report["flags"] ?? ""));
    const ports = new Set(living.map((report) => report["port"]));
    return this.servers.filter((server) => server !== master && ports.has(String(server.port)));
  }

  /** Resolves to the new master when all living sentinels name another one than `from`, and it says itself that it is. */
  async awaitFailover(from: RedisServer, limitMs: number = FAILOVER_LIMIT): Promise<RedisServer> {
    return eventually(`A failover of ${from.addr}`, limitMs, async () => {
      const [server, ...others] = new Set(await this.#named());
      if (server === undefined || server === from || others.length > 0)
        throw new Error("The sentinels do not name another.");
      const { role } = await replicationOf(server, ROLE_LIMIT);
      if (role !== "master") throw new Error(`${server.addr} is not yet a master.`);
      return server;
    });
  }

  /** Resolves when all servers and sentinels are up, the sentinels agree, and every replica has what the master has. */
  async awaitReady(limitMs: number = READY_LIMIT): Promise<void> {
    await eventually("Sentinels that are ready", limitMs, () =>
      checkReadiness(this.name, this.servers, this.sentinelServers),
    );
  }

  /** Kills all, and removes their data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll([...this.sentinelServers, ...this.servers]);
  }

  /** The server that each living sentinel sends clients to. */
  async #named(): Promise<RedisServer[]> {
    const answers = await answersOf(this.sentinelServers, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", this.name);
    // Host and port; there are no others by that name.
    return ([...answers.values()] as [string, string][]).map(([, port]) => serverAt(port, this.servers));
  }
}
