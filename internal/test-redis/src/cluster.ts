import { checkReadiness } from "./cluster-readiness.ts";
import { ClusterView } from "./cluster-view.ts";
import { disposeAll } from "./dispose-all.ts";
import { eventually } from "./eventually.ts";
import { answersOf } from "./living.ts";
import type { RedisServer } from "./redis-server.ts";
import { replicationOf } from "./replication.ts";
import { type ClusterMember, type MoveProgress, SlotMove } from "./slot-move.ts";

/** Default limits, in ms: until the cluster is ready; for a failover. */
const READY_LIMIT = 30_000;
const FAILOVER_LIMIT = 30_000;

/** How long it may take until all servers know of a moved slot, in ms. */
const NEWS_LIMIT = 10_000;

/** How long a new master may take to report its role, in ms. */
const ROLE_LIMIT = 1_000;

/** A cluster of redis-servers on loopback, made by `startCluster`. */
export class TestCluster implements AsyncDisposable {
  /** The first masters, and then their replicas: all of the first master, all of the second, and so on. */
  readonly servers: readonly RedisServer[];
  readonly #members: readonly ClusterMember[];
  readonly #password: string | undefined;
  /** A slot that each server has, or the last one that it had. */
  readonly #slots = new Map<RedisServer, number>();

  constructor(members: readonly ClusterMember[], password: string | undefined) {
    this.#members = members;
    this.servers = members.map(({ server }) => server);
    this.#password = password;
  }

  get nodes(): readonly { host: string; port: number }[] {
    return this.servers.map(({ host, port }) => ({ host, port }));
  }

  /** The servers that have slots now, even if dead and not replaced yet, and the living masters without slots. */
  async masters(): Promise<RedisServer[]> {
    return this.#serversOf((await this.#view()).masters);
  }

  /** The master's replicas now, without those that the other servers report as dead. */
  async replicaOf(master: RedisServer): Promise<RedisServer[]> {
    return this.#serversOf((await this.#view()).replicasOf(this.#memberOf(master).id));
  }

  /** The slot of the key. */
  async slotOf(key: string): Promise<number> {
    const [slot] = (await answersOf(this.servers, "CLUSTER", "KEYSLOT", key)).values();
    return Number(slot);
  }

  /** The server that has the key's slot now, even if it is dead and not replaced yet. */
  async masterOf(key: string): Promise<RedisServer> {
    return (await this.#ownerOf(await this.slotOf(key))).server;
  }

  /**
   * Moves a slot with all its keys from the server that has it to another one, as an operator does. Calls `between`
   * after both servers know of the move, and again after half of the keys are moved. Resolves when all living servers
   * know the new place. If `between` rejects, the move stays unfinished, and the next call continues it.
   */
  async moveSlot(
    slot: number,
    to: RedisServer,
    between: (progress: MoveProgress) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const target = this.#memberOf(to);
    const source = await this.#ownerOf(slot);
    if (source === target) return;
    const move = new SlotMove(slot, source, target, this.#password);
    await move.begin();
    await between("begun");
    await move.moveHalf();
    await between("halfway");
    await move.moveRest();
    await move.end((await this.masters()).filter((master) => master !== source.server && master !== to));
    await eventually(`The news that slot ${slot} is on ${to.addr}`, NEWS_LIMIT, async () => {
      for (const [{ addr }, report] of await answersOf(this.servers, "CLUSTER", "NODES")) {
        const owner = new ClusterView([String(report)]).ownerOf(slot);
        if (owner !== target.id) throw new Error(`${addr} reports it on node ${owner}.`);
      }
    });
    await this.#view(); // for awaitFailover
  }

  /** Waits up to `limitMs` for the server that takes over the slots of `from`, which must be dead or frozen. */
  async awaitFailover(from: RedisServer, limitMs: number = FAILOVER_LIMIT): Promise<RedisServer> {
    return eventually(`A failover of ${from.addr}`, limitMs, async () => {
      const view = await this.#view();
      const slot = this.#slots.get(from);
      if (slot === undefined) throw new Error("It never had a slot.");
      const { server } = this.#ownerIn(view, slot);
      if (server === from) throw new Error("It still has its slots.");
      const { role } = await replicationOf(server, ROLE_LIMIT);
      if (role !== "master") throw new Error(`${server.addr} is not a master yet.`);
      return server;
    });
  }

  /** Resolves when all servers are up and agree, all slots are served, and every replica has what its master has. */
  async awaitReady(limitMs: number = READY_LIMIT): Promise<void> {
    await eventually("A cluster that is ready", limitMs, () => checkReadiness(this.servers));
    await this.#view(); // for awaitFailover
  }

  /** Kills all servers, and removes their data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll(this.servers);
  }

  /** The cluster as its living servers see it. */
  async #view(): Promise<ClusterView> {
    const view = new ClusterView([...(await answersOf(this.servers, "CLUSTER", "NODES")).values()].map(String));
    for (const { id, server } of this.#members) {
      const slot = view.someSlotOf(id);
      if (slot !== undefined) this.#slots.set(server, slot);
    }
    return view;
  }

  async #ownerOf(slot: number): Promise<ClusterMember> {
    return this.#ownerIn(await this.#view(), slot);
  }

  #ownerIn(view: ClusterView, slot: number): ClusterMember {
    const owner = view.ownerOf(slot);
    const member = this.#members.find(({ id }) => id === owner);
    if (member === undefined) throw new Error(`No server of this cluster has slot ${slot}.`);
    return member;
  }

  #memberOf(server: RedisServer): ClusterMember {
    const member = this.#members.find((each) => each.server === server);
    if (member === undefined) throw new Error(`${server.addr} does not belong to this cluster.`);
    return member;
  }

  #serversOf(ids: ReadonlySet<string>): RedisServer[] {
    return this.#members.filter(({ id }) => ids.has(id)).map(({ server }) => server);
  }
}
