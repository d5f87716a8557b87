import { type ClusterNodes, isSame } from "../cluster/cluster-nodes.ts";
import { NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { RedisCommands } from "../redis-commands.ts";
import { type NodeRedisClient, NodeRedisCommands } from "./node-redis.ts";

/** What is asked of a cluster's client of node-redis (`createCluster`). */
export interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean, args: string[]): Promise<unknown>;
  nodeClient(node: never): NodeRedisClient | Promise<NodeRedisClient>;
  readonly masters: readonly { readonly address: string }[];
  readonly nodeByAddress: ReadonlyMap<string, object>;
  readonly isOpen: boolean;
}

/** How long to wait before the client is made to look again, in ms. */
const HINT_INTERVAL = 200;

/** The nodes of a cluster over a client of node-redis that somebody else made, and closes. */
export class NodeRedisClusterNodes implements ClusterNodes {
  readonly #client: NodeRedisCluster;
  #nextHint = 0;

  constructor(client: NodeRedisCluster) {
    this.#client = client;
  }

  known(): readonly string[] {
    if (!this.#client.isOpen)
      throw new NoReply(false, new Error("the client that was given is not connected: call its connect() first"));
    return this.#client.masters.map(({ address }) => address);
  }

  at(address: string, isReplica: boolean): Pick<RedisCommands, "send"> | undefined {
    const node = this.#client.nodeByAddress.get(address);
    // The client has replicas only if its owner wanted it to, and then tells them that it is going to read.
    if (node === undefined || (isReplica && this.#isMaster(address))) return undefined;
    const client = this.#client.nodeClient(node as never); // one of its own nodes
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
   * If a master does not answer, the client looks for others only when its connection breaks, and some seconds after
   * that; but at once if a node says of a key that it belongs elsewhere. So it is made to ask any node for a key.
   */
  changed(masters: ReadonlySet<string>, key: string): void {
    const known = new Set(this.#client.masters.map(({ address }) => address));
    if (key === "" || isSame(masters, known) || performance.now() < this.#nextHint) return;
    this.#nextHint = performance.now() + HINT_INTERVAL;
    this.#client.sendCommand(undefined, false, ["LLEN", key]).catch(() => {
      // The answer is of no interest: the client has looked.
    });
  }

  close(): void {
    // It is not ours.
  }

  #isMaster(address: string): boolean {
    return this.#client.masters.some((master) => master.address === address);
  }
}
