import type { Address } from "../../options/address.ts";
import type { ClusterTopology } from "../../options/topology.ts";
import type { ClusterNodes } from "../cluster/cluster-nodes.ts";
import { NoReply } from "../failures.ts";
import { ConnectionPool } from "./connection-pool.ts";

/** The nodes of a cluster over the backend's own connections: a pool for each node. */
export class PooledClusterNodes implements ClusterNodes {
  readonly #seeds: readonly string[];
  readonly #topology: ClusterTopology;
  readonly #timeoutMs: number;
  readonly #pools = new Map<string, ConnectionPool>();
  #masters: ReadonlySet<string> = new Set();
  #isClosed = false;

  /** `timeoutMs`: how long opening a connection may take. */
  constructor(topology: ClusterTopology, timeoutMs: number) {
    this.#seeds = topology.nodes.map(({ host, port }) => `${host}:${port}`);
    this.#topology = topology;
    this.#timeoutMs = timeoutMs;
  }

  known(): readonly string[] {
    return [...this.#masters, ...this.#seeds];
  }

  at(address: string, isReplica: boolean): ConnectionPool {
    // A call that is still in progress when the backend closes must not open connections.
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
      // Calls in progress may still be answered. Pools for replicas go, too: `at` makes them again if needed.
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
