import type { Address } from "./address.ts";
import type { ClusterNodes } from "./cluster.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { ConnectionSettings } from "./redis-options.ts";

/** The nodes of a cluster over connections of our own: a pool of them for each node. */
export class OwnClusterNodes implements ClusterNodes {
  readonly #seeds: readonly string[];
  readonly #settingsAt: (address: Address) => ConnectionSettings;
  readonly #timeoutMs: number;
  readonly #pools = new Map<string, ConnectionPool>();
  #masters: ReadonlySet<string> = new Set();

  /** `timeoutMs`: how long making a connection may take. */
  constructor(seeds: readonly Address[], settingsAt: (address: Address) => ConnectionSettings, timeoutMs: number) {
    this.#seeds = seeds.map(({ host, port }) => `${host}:${port}`);
    this.#settingsAt = settingsAt;
    this.#timeoutMs = timeoutMs;
  }

  known(): readonly string[] {
    return [...this.#masters, ...this.#seeds];
  }

  at(address: string, isReplica: boolean): ConnectionPool {
    const name = `${address}${isReplica ? " as replica" : ""}`;
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      pool = new ConnectionPool({ ...this.#settingsAt(addressIn(address)), isReplica }, this.#timeoutMs);
      this.#pools.set(name, pool);
    }
    return pool;
  }

  changed(masters: ReadonlySet<string>): void {
    this.#masters = masters;
    for (const [name, pool] of this.#pools) {
      // Calls that are on their way there may still be answered.
      if (!masters.has(name) && !name.endsWith("replica")) {
        pool.retire();
        this.#pools.delete(name);
      }
    }
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }
}

function addressIn(text: string): Address {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
