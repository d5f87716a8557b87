import type { ConnectionSettings, SentinelTopology } from "../../options/topology.ts";
import { connectionFault, ErrorReply, NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { listOf, textsOf } from "../replies.ts";
import { ConnectionPool } from "./connection-pool.ts";

/** How long a sentinel may take to answer before the next one is asked, in ms. */
const SENTINEL_LIMIT = 1_000;

/** How long a replica is read from before another one is chosen, in ms. */
const REPLICA_KEPT = 30_000;

/** How long to wait before the next search after no replica was found, in ms. */
const REPLICA_PAUSE = 1_000;

/** A server that sentinels named. */
interface Server {
  readonly address: string;
  readonly pool: ConnectionPool;
}

/** Sends a SENTINEL command to one sentinel. */
type Ask = (...words: string[]) => Promise<RedisReply>;

/** Finds a server with the help of one sentinel. */
type Question = (ask: Ask) => Promise<Server>;

/**
 * The command port over the backend's own connections to the master that sentinels name. They are asked at first, and
 * again if the master does not answer or is no longer a master
 * (https://redis.io/docs/latest/develop/reference/sentinel-clients/).
 */
export class SentinelCommands implements RedisCommands {
  readonly #settings: SentinelTopology;
  readonly #timeoutMs: number;
  #sentinels: readonly ConnectionSettings[];
  #master: Server | undefined;
  #findingMaster: Promise<Server> | undefined;
  #replica: Server | undefined;
  #findingReplica: Promise<Server> | undefined;
  /** Local moments: until when the replica is kept, and before which no other is searched for. */
  #keptUntil = 0;
  #noReplicaBefore = 0;
  #isClosed = false;

  /** `timeoutMs`: how long opening a connection may take. */
  constructor(settings: SentinelTopology, timeoutMs: number) {
    this.#settings = settings;
    this.#sentinels = settings.sentinels;
    this.#timeoutMs = timeoutMs;
  }

  serverOf(): string | undefined {
    return this.#known()?.address;
  }

  send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    return inTime(options, async (begun) => {
      // Slightly less than the caller's time, so that a silent server is reported by its own pool.
      const overdueAt = performance.now() + options.timeoutMs - 2;
      const left = (): SendOptions => ({ ...options, timeoutMs: Math.max(1, overdueAt - performance.now()) });
      if (options.readOnly) {
        const replies = await this.#fromReplica(commands, left());
        if (replies !== undefined) return replies;
      }
      const master = this.#known() ?? (await this.#findMaster());
      begun();
      try {
        const replies = await master.pool.send(commands, left());
        if (replies.some((reply) => isRefused(reply, /^(READONLY|MASTERDOWN) /))) this.#forget(master);
        return replies;
      } catch (error) {
        if (!(error instanceof NoReply)) throw error;
        this.#forget(master);
        throw new NoReply(error.sent, error.cause, master.address);
      }
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#master?.pool.close();
    this.#replica?.pool.close();
  }

  /** The master, if there is a connection to it. Without one, another server may be at its address by now. */
  #known(): Server | undefined {
    return this.#master?.pool.size ? this.#master : undefined;
  }

  #forget(master: Server): void {
    if (this.#master === master) this.#master = undefined;
    master.pool.retire();
  }

  /** Calls at the same time share one search. */
  #findMaster(): Promise<Server> {
    this.#findingMaster ??= this.#found((ask) => this.#masterBy(ask))
      .then((master) => {
        this.#master = master;
        return master;
      })
      .finally(() => {
        this.#findingMaster = undefined;
      });
    return this.#findingMaster;
  }

  /** The same for a replica. If none is found, the next search has to wait. */
  #findReplica(): Promise<Server> {
    this.#findingReplica ??= this.#found((ask) => this.#replicaBy(ask))
      .then((replica) => {
        this.#replica = replica;
        this.#keptUntil = performance.now() + REPLICA_KEPT;
        return replica;
      })
      .catch((error: unknown) => {
        this.#noReplicaBefore = performance.now() + REPLICA_PAUSE;
        throw error;
      })
      .finally(() => {
        this.#findingReplica = undefined;
      });
    return this.#findingReplica;
  }

  /** Closes the found server again if the backend was closed meanwhile. */
  async #found(question: Question): Promise<Server> {
    const server = await this.#ask(question);
    if (!this.#isClosed) return server;
    server.pool.close();
    throw new NoReply(false, new Error("the backend was closed"));
  }

  /** Asks one sentinel after the other: first the one that answered last, at the end those that did not answer. */
  async #ask(question: Question): Promise<Server> {
    let failure = new NoReply(false, new Error("there is no sentinel to ask"));
    for (const sentinel of this.#sentinels) {
      const name = `the sentinel ${sentinel.host}:${sentinel.port}`;
      const pool = new ConnectionPool({ ...sentinel, poolSize: 1 }, SENTINEL_LIMIT);
      try {
        const answer = await question(async (...words) => {
          const reply = await this.#answer(pool, ["SENTINEL", ...words]);
          if (reply instanceof ErrorReply) throw new NoReply(false, new Error(reply.message));
          return reply;
        });
        this.#sentinels = [sentinel, ...this.#sentinels.filter((other) => other !== sentinel)];
        return answer;
      } catch (error) {
        if (!(error instanceof NoReply)) throw error;
        this.#sentinels = [...this.#sentinels.filter((other) => other !== sentinel), sentinel];
        // Nothing was sent to the server that the caller wants to reach.
        failure = new NoReply(false, error.cause, error.server ?? name);
      } finally {
        pool.close();
      }
    }
    throw failure;
  }

  async #masterBy(ask: Ask): Promise<Server> {
    const { name } = this.#settings;
    const reply = await ask("GET-MASTER-ADDR-BY-NAME", name);
    if (reply === null) throw new NoReply(false, new Error(`it knows no master ${JSON.stringify(name)}`));
    const [host, port] = listOf(reply);
    const server = this.#serverAt(String(host), Number(port));
    try {
      // A sentinel may name a server that has just stopped being the master.
      const role = await this.#answer(server.pool, ["ROLE"]);
      if (role instanceof ErrorReply) throw new NoReply(false, new Error(role.message));
      if (!Array.isArray(role) || role[0] !== "master") throw new NoReply(false, new Error("it is not a master"));
    } catch (error) {
      server.pool.close();
      if (error instanceof NoReply) throw new NoReply(false, error.cause, server.address);
      throw error;
    }
    return server;
  }

  /** The reply within a short time, or within the time to connect while a function has yet to give the password. */
  async #answer(pool: ConnectionPool, command: RedisCommand): Promise<RedisReply> {
    for (const overdueAt = performance.now() + this.#timeoutMs; ; ) {
      try {
        const [reply = null] = await pool.send([command], { timeoutMs: SENTINEL_LIMIT });
        return reply;
      } catch (error) {
        if (connectionFault(error) !== "password pending" || performance.now() > overdueAt) throw error;
      }
    }
  }

  /** `undefined`: no replica answered. Half of the time is kept for the master. */
  async #fromReplica(
    commands: readonly RedisCommand[],
    options: SendOptions,
  ): Promise<readonly RedisReply[] | undefined> {
    if (this.#replica === undefined && performance.now() < this.#noReplicaBefore) return undefined;
    if (performance.now() > this.#keptUntil) this.#letGo(this.#replica);
    let used: Server | undefined;
    try {
      const replies = await inTime({ ...options, timeoutMs: options.timeoutMs / 2 }, async (begun) => {
        used = this.#replica ?? (await this.#findReplica());
        begun();
        return used.pool.send(commands, { ...options, timeoutMs: options.timeoutMs / 2 });
      });
      if (!replies.some((reply) => isRefused(reply, /^(LOADING|MASTERDOWN) /))) return replies;
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
    }
    this.#letGo(used);
    return undefined;
  }

  #letGo(replica: Server | undefined): void {
    if (this.#replica === replica) this.#replica = undefined;
    replica?.pool.retire();
  }

  async #replicaBy(ask: Ask): Promise<Server> {
    const healthy = listOf(await ask("REPLICAS", this.#settings.name))
      .map((facts) => new Map(pairsIn(textsOf(facts))))
      .filter((facts) => facts.get("flags") === "slave" && facts.get("master-link-status") === "ok");
    const chosen = healthy[Math.floor(Math.random() * healthy.length)];
    if (chosen === undefined) throw new NoReply(false, new Error("it knows no replica that is up"));
    return this.#serverAt(chosen.get("ip") ?? "", Number(chosen.get("port")));
  }

  #serverAt(host: string, port: number): Server {
    const pool = new ConnectionPool(this.#settings.settingsAt({ host, port }), this.#timeoutMs);
    return { address: `${host}:${port}`, pool };
  }
}

/** Pairs of a list in which names and values alternate. */
function pairsIn(facts: readonly string[]): [name: string, value: string][] {
  return facts.flatMap((name, place) => (place % 2 === 0 ? [[name, String(facts[place + 1])]] : []));
}

function isRefused(reply: RedisReply, words: RegExp): boolean {
  return reply instanceof ErrorReply && words.test(reply.message);
}
