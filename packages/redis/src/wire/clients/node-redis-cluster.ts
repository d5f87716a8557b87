import { type ClusterNodes, isSame } from "../cluster/cluster-nodes.ts";
import { NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { RedisCommands } from "../redis-commands.ts";
import { type NodeRedisClient, NodeRedisCommands } from "./node-redis.ts";

/** What the backend uses of a node-redis cluster client (`createCluster`). */
export interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean, args: string[]): Promise<unknown>;
  nodeClient(node: never): NodeRedisClient | Promise<NodeRedisClient>;
  readonly masters: readonly { readonly address: string }[];
  readonly nodeByAddress: ReadonlyMap<string, object>;
  readonly isOpen: boolean;
}

/** The least time between two requests that make the client read the cluster's state, in ms. */
const HINT_INTERVAL = 200;

/** The nodes of a cluster over an existing node-redis client. Its owner closes the client. */
export class NodeRedisClusterNodes implements ClusterNodes {
  readonly #client: NodeRedisCluster;
  #nextHint = 0;

  constructor(client: NodeRedisCluster) {
    this.#client = client;
  }

  known(): readonly string[] {
    if (!this.#client.isOpen)
      throw new NoReply(false, new Error("the given client is not connected: call its connect() first"));
    return this.#client.masters.map(({ address }) => address);
  }

  at(address: string, isReplica: boolean): Pick<RedisCommands, "send"> | undefined {
    const node = this.#client.nodeByAddress.get(address);
    // The client knows replicas only if its owner configured that. It then sends them READONLY.
    if (node === undefined || (isReplica && this.#isMaster(address))) return undefined;
    const client = this.#client.nodeClient(node as never); // one of the client's own nodes
    if (!(client instanceof Promise)) return new NodeRedisCommands(client);
    return {
      send: (commands, options) =>
        inTime(options, async (begun) => {
          const opened = await client;
          begun();
          return new NodeRedisCommands(opened).send(commands, options);
        }),
    };
  }

  /**
   * If a master does not answer, the client reads the cluster's state only some seconds after its connection breaks.
   * If a node redirects it for a key, it does so at once. So this makes the client send a random node a command with a
   * key.
   */
  changed(masters: ReadonlySet<string>, key: string): void {
    const known = new Set(this.#client.masters.map(({ address }) => address));
    if (key === "" || isSame(masters, known) || performance.now() < this.#nextHint) return;
    this.#nextHint = performance.now() + HINT_INTERVAL;
    this.#client.sendCommand(undefined, false, ["LLEN", key]).catch(() => {
      // The reply does not matter: the client has read the cluster's state.
    });
  }

  close(): void {
    // The client belongs to its owner.
  }

  #isMaster(address: string): boolean {
    return this.#client.masters.some((master) => master.address === address);
  }
}
