import type { ClusterNodes } from "../cluster/cluster-nodes.ts";
import { NoReply } from "../failures.ts";
import { type IoredisClient, IoredisCommands } from "./ioredis.ts";

/** What is asked of a cluster's client of ioredis (`new Cluster()`). */
export interface IoredisCluster {
  readonly isCluster: true;
  readonly status: string;
  readonly options: object;
  cluster(command: "SLOTS"): Promise<unknown>;
  nodes(role: "all" | "master" | "slave"): readonly IoredisClient[];
  refreshSlotsCache(callback?: (error?: Error) => void): void;
}

/** Of its settings: where addresses of nodes really lead. */
type NatMap =
  | { readonly [address: string]: { host: string; port: number } }
  | ((address: string) => { host: string; port: number } | null);

/** The nodes of a cluster over a client of ioredis that somebody else made, and closes. */
export class IoredisClusterNodes implements ClusterNodes {
  readonly #client: IoredisCluster;

  constructor(client: IoredisCluster) {
    this.#client = client;
  }

  known(): readonly string[] {
    const { status } = this.#client;
    if (status === "end") throw new NoReply(false, new Error("the client that was given has ended"));
    return this.#client.nodes("all").map(placeOf);
  }

  /** It answers when it is connected, and connects if it was not told to yet. */
  opened(): Promise<unknown> {
    return this.#client.cluster("SLOTS");
  }

  at(address: string, isReplica: boolean): IoredisCommands | undefined {
    const { natMap }: { natMap?: NatMap } = this.#client.options;
    const mapped = typeof natMap === "function" ? natMap(address) : natMap?.[address];
    const place = mapped ? `${mapped.host}:${mapped.port}` : address;
    // Those for replicas tell them that they are going to read.
    const node = this.#client.nodes(isReplica ? "slave" : "all").find((one) => placeOf(one) === place);
    return node && new IoredisCommands(node);
  }

  changed(masters: ReadonlySet<string>): void {
    if ([...masters].some((address) => this.at(address, false) === undefined)) this.#client.refreshSlotsCache();
  }

  close(): void {
    // It is not ours.
  }
}

function placeOf({ options }: IoredisClient): string {
  const { host, port }: { host?: string; port?: number } = options;
  return `${host}:${port}`;
}
