import type { ClusterNodes } from "../cluster/cluster-nodes.ts";
import { NoReply } from "../failures.ts";
import { type IoredisClient, IoredisCommands } from "./ioredis.ts";

/** What the backend uses of an ioredis cluster client (`new Cluster()`). */
export interface IoredisCluster {
  readonly isCluster: true;
  readonly status: string;
  readonly options: object;
  cluster(command: "SLOTS"): Promise<unknown>;
  nodes(role: "all" | "master" | "slave"): readonly IoredisClient[];
  refreshSlotsCache(callback?: (error?: Error) => void): void;
}

/** The client's option that translates addresses of nodes. */
type NatMap =
  | { readonly [address: string]: { host: string; port: number } }
  | ((address: string) => { host: string; port: number } | null);

/** The nodes of a cluster over an existing ioredis client. Its owner closes the client. */
export class IoredisClusterNodes implements ClusterNodes {
  readonly #client: IoredisCluster;

  constructor(client: IoredisCluster) {
    this.#client = client;
  }

  known(): readonly string[] {
    const { status } = this.#client;
    if (status === "end") throw new NoReply(false, new Error("the given client has ended"));
    return this.#client.nodes("all").map(placeOf);
  }

  /** The client connects if it has not begun to, and replies after it is connected. */
  opened(): Promise<unknown> {
    return this.#client.cluster("SLOTS");
  }

  at(address: string, isReplica: boolean): IoredisCommands | undefined {
    const { natMap }: { natMap?: NatMap } = this.#client.options;
    const mapped = typeof natMap === "function" ? natMap(address) : natMap?.[address];
    const place = mapped ? `${mapped.host}:${mapped.port}` : address;
    // Only the client's connections for replicas send READONLY.
    const node = this.#client.nodes(isReplica ? "slave" : "all").find((one) => placeOf(one) === place);
    return node && new IoredisCommands(node);
  }

  changed(masters: ReadonlySet<string>): void {
    if ([...masters].some((address) => this.at(address, false) === undefined)) this.#client.refreshSlotsCache();
  }

  close(): void {
    // The client belongs to its owner.
  }
}

function placeOf({ options }: IoredisClient): string {
  const { host, port }: { host?: string; port?: number } = options;
  return `${host}:${port}`;
}
