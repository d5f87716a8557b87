import { ErrorReply } from "../failures.ts";
import type { RedisReply } from "../redis-commands.ts";
import { listOf } from "../replies.ts";

/** Who serves which slot, as one node tells. Addresses are `"host:port"`. */
interface SlotOwners {
  /** By slot, the address of its master. */
  owners: string[];
  /** By a master's address, those of its replicas. */
  replicas: Map<string, string[]>;
}

/** What the node at `asked` replied to `CLUSTER SLOTS` (https://redis.io/docs/latest/commands/cluster-slots/). */
export function readSlotOwners(reply: RedisReply | undefined, asked: string): SlotOwners {
  const owners: string[] = [];
  const replicas = new Map<string, string[]>();
  for (const range of listOf(reply)) {
    const [first, last, ...nodes] = listOf(range);
    const [owner = "", ...others] = nodes.map((node) => {
      const [host, port] = listOf(node);
      return addressOf(host, port, asked);
    });
    // A client may have been told to make text of numbers.
    for (let slot = Number(first); slot <= Number(last); slot++) owners[slot] = owner;
    replicas.set(owner, others);
  }
  return { owners, replicas };
}

/** A node without a host is at that of the node that was asked. */
function addressOf(host: unknown, port: unknown, asked: string): string {
  return `${host || asked.slice(0, asked.lastIndexOf(":"))}:${port}`;
}

/**
 * The addresses of living masters that serve nothing, from `CLUSTER NODES`: `<id> <host>:<port>@… <flags> - … <slots>`.
 */
export function mastersWithoutSlots(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [, address = "", flags = "", , , , , , ...slots] = line.split(" ");
    const isMaster = /\bmaster\b/.test(flags) && !/fail|noaddr|handshake/.test(flags);
    const serves = slots.some((slot) => !slot.startsWith("["));
    return isMaster && !serves ? [address.slice(0, address.lastIndexOf("@"))] : [];
  });
}

/** Where a node sends a command to. `"ASK"`: this once only. */
interface Redirection {
  kind: "MOVED" | "ASK";
  slot: number;
  address: string;
}

/** The first one among the replies of the node at `from`; `undefined`: it answered itself. */
export function redirection(replies: readonly RedisReply[], from: string): Redirection | undefined {
  for (const reply of replies) {
    const match = reply instanceof ErrorReply ? /^(MOVED|ASK) (\d+) (.*):(\d+)/.exec(reply.message) : null;
    if (match === null) continue;
    const [, kind, slot, host, port] = match;
    return {
      kind: kind === "ASK" ? kind : "MOVED",
      slot: Number(slot),
      address: addressOf(host, Number(port), from),
    };
  }
  return undefined;
}
