import { disposeAll } from "./dispose-all.ts";
import { eventually } from "./eventually.ts";
import { answersOf } from "./living.ts";
import type { RedisServer } from "./redis-server.ts";
import { replicationOf } from "./replication.ts";
import { checkReadiness, type SentinelReport, serverAt } from "./sentinel-readiness.ts";

/** Default limits, in ms: until the set is ready; for a failover. */
const READY_LIMIT = 30_000;
const FAILOVER_LIMIT = 30_000;

/** How long a new master may take to report its role, in ms. */
const ROLE_LIMIT = 1_000;

/** A master, its replicas, and the sentinels that watch them, on loopback. `startSentinels` makes it. */
export class SentinelSet implements AsyncDisposable {
  /** The sentinels' name for the master. */
  readonly name: string = "conversations";
  /** The first master, and then its first replicas. */
  readonly servers: readonly RedisServer[];
  readonly sentinelServers: readonly RedisServer[];

  constructor(servers: readonly RedisServer[], sentinelServers: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinelServers = sentinelServers;
  }

  get sentinels(): readonly { host: string; port: number }[] {
    return this.sentinelServers.map(({ host, port }) => ({ host, port }));
  }

  /** The server that most of the living sentinels name as the master. */
  async master(): Promise<RedisServer> {
    const named = await this.#named();
    const votes = (server: RedisServer): number => named.filter((each) => each === server).length;
    const [first] = named.sort((one, other) => votes(other) - votes(one));
    // `answersOf` rejects if no sentinel answers, so there is a first one.
    return first as RedisServer;
  }

  /**
   * The replicas that a living sentinel reports as reachable. Right after a failover, the list may be empty for a
   * moment.
   */
  async replicas(): Promise<RedisServer[]> {
    const master = await this.master();
    const answers = await answersOf(this.sentinelServers, "SENTINEL", "REPLICAS", this.name);
    // The cast is what a sentinel answers. Sentinels that do not know the new master yet still list it as a replica.
    const known = ([...answers.values()] as SentinelReport[][]).flat();
    const living = known.filter((report) => !/[so]_down|disconnected/.test(report["flags"] ?? ""));
    const ports = new Set(living.map((report) => report["port"]));
    return this.servers.filter((server) => server !== master && ports.has(String(server.port)));
  }

  /**
   * Resolves to the new master after all living sentinels name it, not `from`, and the server itself reports that role.
   */
  async awaitFailover(from: RedisServer, limitMs: number = FAILOVER_LIMIT): Promise<RedisServer> {
    return eventually(`A failover of ${from.addr}`, limitMs, async () => {
      const [server, ...others] = new Set(await this.#named());
      if (server === undefined || server === from || others.length > 0)
        throw new Error("The sentinels do not agree on a new master yet.");
      const { role } = await replicationOf(server, ROLE_LIMIT);
      if (role !== "master") throw new Error(`${server.addr} is not a master yet.`);
      return server;
    });
  }

  /** Resolves when all servers and sentinels are up, the sentinels agree, and every replica has what the master has. */
  async awaitReady(limitMs: number = READY_LIMIT): Promise<void> {
    await eventually("Sentinels that are ready", limitMs, () =>
      checkReadiness(this.name, this.servers, this.sentinelServers),
    );
  }

  /** Kills all servers and sentinels, and removes their data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll([...this.sentinelServers, ...this.servers]);
  }

  /** The server that each living sentinel sends clients to. */
  async #named(): Promise<RedisServer[]> {
    const answers = await answersOf(this.sentinelServers, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", this.name);
    // Each answer is a host and a port: every sentinel knows this name.
    return ([...answers.values()] as [string, string][]).map(([, port]) => serverAt(port, this.servers));
  }
}
