import { answerOf } from "./living.ts";
import type { RedisServer } from "./redis-server.ts";

/** How far the move of a slot is: both servers know of it; half of its keys are moved. */
export type MoveProgress = "begun" | "halfway";

/** A server, and what it is called in its cluster. */
export interface ClusterMember {
  id: string;
  server: RedisServer;
}

/** How many keys are moved by one command. */
const BATCH = 100;

/** How long one may take, in ms. */
const BATCH_LIMIT = 10_000;

/** The move of a slot from one server to another, step by step: https://redis.io/docs/latest/commands/cluster-setslot/ */
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

  /** Of a single key, that is the whole. */
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

  /** First tells the server that has the keys: nobody is to be sent to where they are no longer. */
  async end(otherMasters: readonly RedisServer[]): Promise<void> {
    const words = ["CLUSTER", "SETSLOT", this.#slot, "NODE", this.#to.id];
    await this.#to.server.command(...words);
    await this.#from.server.command(...words);
    await Promise.all(otherMasters.map((server) => answerOf(server, ...words)));
  }

  /** How many it took: none, if there are none left. */
  async #moveBatch(size: number): Promise<number> {
    const { host, port } = this.#to.server;
    // Keys may be any bytes. In this command's answer, each is a string.
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
