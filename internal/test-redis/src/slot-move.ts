import { answerOf } from "./living.ts";
import type { RedisServer } from "./redis-server.ts";

/** How far the move of a slot is: both servers know of it, or half of its keys are moved. */
export type MoveProgress = "begun" | "halfway";

/** A server, and its id in its cluster. */
export interface ClusterMember {
  id: string;
  server: RedisServer;
}

/** How many keys are moved by one command. */
const BATCH = 100;

/** How long one such command may take, in ms. */
const BATCH_LIMIT = 10_000;

/** Moves a slot from one server to another, step by step: https://redis.io/docs/latest/commands/cluster-setslot/ */
export class SlotMove {
  readonly #slot: string;
  readonly #from: ClusterMember;
  readonly #to: ClusterMember;
  readonly #password: string | undefined;

  constructor(slot: number, from: ClusterMember, to: ClusterMember, password: string | undefined) {
    this.#slot = String(slot);
    this.#from = from;
    this.#to = to;
    this.#password = password;
  }

  async begin(): Promise<void> {
    await this.#to.server.command("CLUSTER", "SETSLOT", this.#slot, "IMPORTING", this.#from.id);
    await this.#from.server.command("CLUSTER", "SETSLOT", this.#slot, "MIGRATING", this.#to.id);
  }

  /** Half is rounded up: a single key is moved. */
  async moveHalf(): Promise<void> {
    let missing = Math.ceil(Number(await this.#from.server.command("CLUSTER", "COUNTKEYSINSLOT", this.#slot)) / 2);
    while (missing > 0) {
      const moved = await this.#moveBatch(Math.min(missing, BATCH));
      if (moved === 0) return;
      missing -= moved;
    }
  }

  async moveRest(): Promise<void> {
    while ((await this.#moveBatch(BATCH)) > 0);
  }

  /** Tells the server that now has the keys first, so that no server sends clients to the old place. */
  async end(otherMasters: readonly RedisServer[]): Promise<void> {
    const words = ["CLUSTER", "SETSLOT", this.#slot, "NODE", this.#to.id];
    await this.#to.server.command(...words);
    await this.#from.server.command(...words);
    await Promise.all(otherMasters.map((server) => answerOf(server, ...words)));
  }

  /** Moves up to `size` keys. Resolves to the number of moved keys: 0 if no key is left. */
  async #moveBatch(size: number): Promise<number> {
    const { host, port } = this.#to.server;
    // Keys may hold any bytes. This command answers with a list of strings, which `inBytes` makes Buffers.
    const keys = (await this.#from.server.ask(["CLUSTER", "GETKEYSINSLOT", this.#slot, String(size)], {
      inBytes: true,
    })) as Buffer[];
    if (keys.length === 0) return 0;
    const login = this.#password === undefined ? [] : ["AUTH", this.#password];
    const where = [host, String(port), "", "0", String(BATCH_LIMIT)];
    await this.#from.server.ask(["MIGRATE", ...where, ...login, "KEYS", ...keys]);
    return keys.length;
  }
}
