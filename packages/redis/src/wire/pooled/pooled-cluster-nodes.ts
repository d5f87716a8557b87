import type { Address } from "../../options/address.ts";
import type { ClusterTopology } from "../../options/topology.ts";
import type { ClusterNodes } from "../cluster/cluster-nodes.ts";
import { NoReply } from "../failures.ts";
import { ConnectionPool } from "./connection-pool.ts";

/** The nodes of a cluster over connections of our own: a pool of them for each node. */
export class PooledClusterNodes implements ClusterNodes {
  readonly #seeds: readonly string[];
  readonly #topology: ClusterTopology;
  readonly #timeoutMs: number;
  readonly #pools = new Map<string, ConnectionPool>();
  #masters: ReadonlySet<string> = new Set();
  #isClosed = false;

  /** `timeoutMs`: how long making a connection may take. */
  constructor(topology: ClusterTopology, timeoutMs: number) {
    this.#seeds = topology.nodes.map(({ host, port }) => `${host}:${port}`);
    this.#topology = topology;
    this.#timeoutMs = timeoutMs;
  }

  known(): readonly string[] {
    return [...this.#masters, ...this.#seeds];
  }

  at(address: string, isReplica: boolean): ConnectionPool {
    // What is still on its way when the backend is closed opens nothing any more.
    if (this.#isClosed) throw new NoReply(false, new Error("the backend was closed"));
    const name = `${address}${isReplica ? " as replica" : ""}`;
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      pool = new ConnectionPool({ ...this.#topology.settingsAt(addressIn(address)), isReplica }, this.#timeoutMs);
      this.#pools.set(name, pool);
    }
    return pool;
  }

  changed(masters: ReadonlySet<string>): void {
    this.#masters = masters;
    for (const [name, pool] of this.#pools) {
      // Calls that are on their way there may still be answered. Replicas are other ones, too, or are found again.
      if (!masters.has(name)) {
        pool.retire();
        this.#pools.delete(name);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }
}

function addressIn(text: string): Address {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
