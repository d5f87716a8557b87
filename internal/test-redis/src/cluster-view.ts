/** How many slots every cluster has. */
export const SLOTS = 16_384;

/** A node's report about itself or another node: a line of its `CLUSTER NODES`. */
export interface NodeLine {
  id: string;
  /** Whether the line is about the node that reports it. */
  isOwn: boolean;
  flags: readonly string[];
  /** The id of its master, if it is a replica. */
  master: string | undefined;
  /** If two nodes claim a slot, the one with the higher epoch has it. */
  epoch: number;
  isConnected: boolean;
  /** First and last slot of each range that the node has. */
  ranges: readonly (readonly [number, number])[];
}

/** The lines of a `CLUSTER NODES`: https://redis.io/docs/latest/commands/cluster-nodes/ */
export function nodeLinesOf(report: string): NodeLine[] {
  return report.trimEnd().split("\n").map(nodeLineOf);
}

function nodeLineOf(line: string): NodeLine {
  const [id = "", , flags = "", master, , , epoch, link, ...slots] = line.split(" ");
  const all = flags.split(",");
  return {
    id,
    isOwn: all.includes("myself"),
    flags: all,
    master: master === "-" ? undefined : master,
    epoch: Number(epoch),
    isConnected: link === "connected",
    // Slots that are being moved are in brackets. If the node has them, a range holds them too.
    ranges: slots.filter((slot) => !slot.startsWith("[")).map(rangeOf),
  };
}

function rangeOf(slots: string): [number, number] {
  const [first, last = first] = slots.split("-").map(Number);
  // `split` gives at least one number.
  return [first as number, last as number];
}

/**
 * The roles and slots of a cluster's nodes, from the reports of all of them. The nodes do not always agree: a node that
 * the others held to be dead does not know that yet when it comes back.
 */
export class ClusterView {
  readonly #lines: readonly NodeLine[];
  readonly #owners: (NodeLine | undefined)[] = new Array<NodeLine | undefined>(SLOTS).fill(undefined);

  constructor(reports: readonly string[]) {
    this.#lines = reports.flatMap(nodeLinesOf);
    for (const line of this.#lines) {
      for (const [first, last] of line.ranges) {
        for (let slot = first; slot <= last; slot++) {
          if (line.epoch > (this.#owners[slot]?.epoch ?? -1)) this.#owners[slot] = line;
        }
      }
    }
  }

  /** The id of the node that has the slot; `undefined` if no node has it. */
  ownerOf(slot: number): string | undefined {
    return this.#owners[slot]?.id;
  }

  /** A slot that the node has; `undefined` if it has no slots. */
  someSlotOf(id: string): number | undefined {
    const slot = this.#owners.findIndex((line) => line?.id === id);
    return slot === -1 ? undefined : slot;
  }

  /** The ids of the nodes that have slots, even if they are dead, and of the living masters without slots. */
  get masters(): Set<string> {
    const idle = this.#lines.filter((line) => line.isOwn && line.flags.includes("master") && line.ranges.length === 0);
    return new Set([...this.#owners.flatMap((line) => line?.id ?? []), ...idle.map(({ id }) => id)]);
  }

  /** The ids of the node's replicas, without those that the other nodes report as dead. */
  replicasOf(master: string): Set<string> {
    const replicas = new Map<string, NodeLine>();
    for (const line of this.#lines) {
      if (line.isOwn || (!replicas.has(line.id) && !line.flags.includes("fail"))) replicas.set(line.id, line);
    }
    return new Set([...replicas.values()].filter((line) => line.master === master).map(({ id }) => id));
  }
}
