/** How many slots every cluster has. */
export const SLOTS = 16_384;

/** What a node says of itself or of another: a line of its `CLUSTER NODES`. */
export interface NodeLine {
  id: string;
  /** Whether the node says it of itself. */
  isOwn: boolean;
  flags: readonly string[];
  /** The id of its master, if it is a replica. */
  master: string | undefined;
  /** Of two that claim a slot, the one whose epoch is higher has it. */
  epoch: number;
  isConnected: boolean;
  /** First and last slot of each range that it has. */
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
    // In brackets are those that it moves, which come in a range, too, where it has them.
    ranges: slots.filter((slot) => !slot.startsWith("[")).map(rangeOf),
  };
}

function rangeOf(slots: string): [number, number] {
  const [first, last = first] = slots.split("-").map(Number);
  // There is at least one number.
  return [first as number, last as number];
}

/**
 * Who is what in a cluster, of all that its nodes say. They do not always agree: one that the others took for dead does not yet know
 * it when it comes back.
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

  /** The id of the node that has the slot; `undefined`: none. */
  ownerOf(slot: number): string | undefined {
    return this.#owners[slot]?.id;
  }

  /** A slot that the node has; `undefined`: it has none. */
  someSlotOf(id: string): number | undefined {
    const slot = this.#owners.findIndex((line) => line?.id === id);
    return slot === -1 ? undefined : slot;
  }

  /** The ids of those that have slots, though they be dead, and of the living masters that have none. */
  get masters(): Set<string> {
    const idle = this.#lines.filter((line) => line.isOwn && line.flags.includes("master") && line.ranges.length === 0);
    return new Set([...this.#owners.flatMap((line) => line?.id ?? []), ...idle.map(({ id }) => id)]);
  }

  /** The ids of the replicas that the node has, without those that the others take for dead. */
  replicasOf(master: string): Set<string> {
    const replicas = new Map<string, NodeLine>();
    for (const line of this.#lines) {
      if (line.isOwn || (!replicas.has(line.id) && !line.flags.includes("fail"))) replicas.set(line.id, line);
    }
    return new Set([...replicas.values()].filter((line) => line.master === master).map(({ id }) => id));
  }
}
