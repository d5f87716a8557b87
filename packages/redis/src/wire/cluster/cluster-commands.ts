import keySlot from "cluster-key-slot";
import { ErrorReply, NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { MasterCommands, RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { type ClusterNodes, isSame } from "./cluster-nodes.ts";
import { mastersWithoutSlots, readSlotOwners, redirection } from "./slot-owners.ts";

/** How often a command is sent on from node to node, before it is left to a further attempt. */
const MAX_HOPS = 5;

/** How long a node may take to tell where slots are, in ms, at most. */
const MAX_MAP_TIME = 1_000;

/**
 * The command port over the nodes of a cluster: commands go to the master that serves their key's slot, by the slot map
 * that nodes tell, and where a node sends them
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#redirection-and-resharding).
 */
export class ClusterCommands implements RedisCommands {
  readonly #nodes: ClusterNodes;
  /** By slot, the address of its master. */
  #owners: string[] = [];
  /** By a master's address, those of its replicas. */
  #replicas = new Map<string, string[]>();
  #learning: Promise<void> | undefined;
  #isStale = true;
  /** Those that did not answer when they were last asked: they are asked last where slots are. */
  readonly #suspects = new Set<string>();

  constructor(nodes: ClusterNodes) {
    this.#nodes = nodes;
  }

  serverOf(key: string): string | undefined {
    return this.#owners[keySlot(key)];
  }

  send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    return inTime(options, (begun) => this.#send(commands, options, begun));
  }

  /** Those without a slot are among them, as far as the client knows them: the first one may be on its way there. */
  async masters(options: SendOptions): Promise<readonly MasterCommands[]> {
    const [nodes = ""] = await inTime(options, async () => {
      await this.#learn(options, undefined);
      if (this.#anyOwner() === "") throw new NoReply(false, new Error("no node serves any slot"));
      return this.#at(this.#anyOwner(), [["CLUSTER", "NODES"]], options, false);
    });
    if (nodes instanceof ErrorReply) throw new NoReply(false, new Error(nodes.message), nodes.server);
    const names = new Set(this.#owners.filter(Boolean));
    for (const name of mastersWithoutSlots(String(nodes))) if (this.#nodes.at(name, false)) names.add(name);
    return [...names].map((name) => ({
      name,
      commands: { send: (commands, within) => this.#at(name, commands, within, false) },
    }));
  }

  close(): void {
    this.#nodes.close();
  }

  async #send(
    commands: readonly RedisCommand[],
    options: SendOptions,
    begun: () => void,
  ): Promise<readonly RedisReply[]> {
    // Slightly less than the caller's time, so that a silent node is reported by its own port, which knows its address.
    const overdueAt = performance.now() + options.timeoutMs - 2;
    const left = (): SendOptions => ({ ...options, timeoutMs: Math.max(1, overdueAt - performance.now()) });
    const slot = options.key === undefined ? undefined : keySlot(options.key);
    const known = (): string | undefined => (slot === undefined ? this.#anyOwner() : this.#owners[slot]) || undefined;
    // An old map is good enough for a node that answers: it says where else a slot is by now.
    if (this.#isStale && this.#suspects.has(known() ?? "")) await this.#learn(left(), options.key);
    if (known() === undefined) await this.#learn(left(), options.key);
    const owner = known();
    if (owner === undefined) throw new NoReply(false, new Error(`no node serves slot ${slot}`));
    begun();
    if (options.readOnly) {
      const replies = await this.#fromReplica(owner, commands, left());
      if (replies !== undefined) return replies;
    }
    let address = owner;
    for (let asks = false, hops = 0; ; hops++) {
      const replies = await this.#at(address, commands, left(), asks);
      const redirect = redirection(replies, address);
      if (redirect === undefined) return replies.map((reply) => saidBy(address, reply));
      if (hops === MAX_HOPS) throw new NoReply(false, new Error("its nodes send it from one to the other"), address);
      address = redirect.address;
      asks = redirect.kind === "ASK";
      if (asks) continue;
      this.#owners[redirect.slot] = address;
      // One slot was moved, and perhaps others.
      this.#learn(left(), options.key).catch(() => {
        this.#isStale = true;
      });
    }
  }

  /** The replies of the node at that address. `asks`: the slot is on its way there, which it wants to be told. */
  async #at(
    address: string,
    commands: readonly RedisCommand[],
    options: SendOptions,
    asks: boolean,
  ): Promise<readonly RedisReply[]> {
    const node = this.#nodes.at(address, false);
    if (node === undefined) {
      this.#suspected(address, options.key);
      throw new NoReply(false, new Error("the client does not know this node of its cluster yet"), address);
    }
    try {
      if (!asks) return await this.#answer(address, node.send(commands, options));
      // ASKING holds for the next command only, so both are sent together.
      const asking = await this.#answer(address, node.send([["ASKING"], ...commands], options));
      const [asked] = asking;
      return asked instanceof ErrorReply ? commands.map(() => asked) : asking.slice(1);
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      this.#suspected(address, options.key);
      throw new NoReply(error.sent, error.cause, address);
    }
  }

  async #answer(address: string, replies: Promise<readonly RedisReply[]>): Promise<readonly RedisReply[]> {
    const answered = await replies;
    this.#suspects.delete(address);
    return answered;
  }

  /** The address of one that serves something, of those that answer if there are any. */
  #anyOwner(): string {
    const owners = [...new Set(this.#owners.filter(Boolean))];
    return owners.find((owner) => !this.#suspects.has(owner)) ?? owners[0] ?? "";
  }

  /** `undefined`: no replica answered. */
  async #fromReplica(
    master: string,
    commands: readonly RedisCommand[],
    options: SendOptions,
  ): Promise<readonly RedisReply[] | undefined> {
    const replicas = this.#replicas.get(master) ?? [];
    const address = replicas[Math.floor(Math.random() * replicas.length)];
    const node = address === undefined ? undefined : this.#nodes.at(address, true);
    if (node === undefined) return undefined;
    try {
      // Half of the time is the master's.
      const replies = await node.send(commands, { ...options, timeoutMs: options.timeoutMs / 2 });
      const isUnable = (reply: RedisReply): boolean =>
        reply instanceof ErrorReply && /^(MOVED|ASK|LOADING|MASTERDOWN|CLUSTERDOWN) /.test(reply.message);
      return replies.some(isUnable) ? undefined : replies;
    } catch (error) {
      if (error instanceof NoReply) return undefined;
      throw error;
    }
  }

  #suspected(address: string, key: string | undefined): void {
    this.#suspects.add(address);
    this.#isStale = true;
    if (key !== undefined) this.#nodes.changed(new Set(this.#owners.filter(Boolean)), key);
  }

  /** Reads the slot map; calls at the same time share one reading. */
  async #learn(options: SendOptions, key: string | undefined): Promise<void> {
    this.#learning ??= this.#read(options, key).finally(() => {
      this.#learning = undefined;
    });
    await this.#learning;
  }

  async #read({ timeoutMs }: SendOptions, key: string | undefined): Promise<void> {
    const overdueAt = performance.now() + timeoutMs;
    if (this.#nodes.known().length === 0) {
      await inTime({ timeoutMs }, async () => {
        await this.#nodes.opened?.();
        return [];
      });
    }
    const known = new Set([...this.#owners.filter(Boolean), ...this.#nodes.known()]);
    const isSuspect = (address: string): number => Number(this.#suspects.has(address));
    const addresses = [...known].sort((a, b) => isSuspect(a) - isSuspect(b));
    let failure = new NoReply(false, new Error("no node of the cluster is known"));
    for (const [place, address] of addresses.entries()) {
      const left = overdueAt - performance.now();
      if (left <= 0) break;
      try {
        const asked = this.#nodes.at(address, false);
        if (asked === undefined) continue;
        // One that stands still leaves time for the others.
        const share = left / (addresses.length - place);
        const [reply] = await asked.send([["CLUSTER", "SLOTS"]], { timeoutMs: Math.min(MAX_MAP_TIME, share) });
        this.#suspects.delete(address);
        if (reply instanceof ErrorReply) {
          failure = new NoReply(false, new Error(reply.message), address);
        } else {
          this.#note(reply, address, key);
          return;
        }
      } catch (error) {
        if (!(error instanceof NoReply)) throw error;
        this.#suspects.add(address);
        // Nothing of what it is asked for was sent anywhere.
        failure = new NoReply(false, error.cause, address);
      }
    }
    throw failure;
  }

  #note(reply: RedisReply | undefined, address: string, key: string | undefined): void {
    const before = new Set(this.#owners.filter(Boolean));
    const { owners, replicas } = readSlotOwners(reply, address);
    this.#owners = owners;
    this.#replicas = replicas;
    this.#isStale = false;
    const now = new Set(owners.filter(Boolean));
    if (!isSame(before, now)) this.#nodes.changed(now, key ?? "");
  }
}

function saidBy(address: string, reply: RedisReply): RedisReply {
  return reply instanceof ErrorReply ? new ErrorReply(reply.message, address) : reply;
}
