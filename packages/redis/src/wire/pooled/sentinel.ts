import type { ConnectionSettings, SentinelTopology } from "../../options/topology.ts";
import { ErrorReply, NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { listOf, textsOf } from "../replies.ts";
import { ConnectionPool } from "./connection-pool.ts";

/** How long a sentinel may take to answer before the next one is asked, in ms. */
const SENTINEL_LIMIT = 1_000;

/**
 * How long a replica is read from before another may be, and how long none is looked for after none was found, in ms.
 */
const REPLICA_KEPT = 30_000;
const REPLICA_PAUSE = 1_000;

/** A server that sentinels named. */
interface Server {
  readonly address: string;
  readonly pool: ConnectionPool;
}

/** Asks one sentinel. */
type Ask = (...words: string[]) => Promise<RedisReply>;

/** What is to be found out from one sentinel. */
type Question = (ask: Ask) => Promise<Server>;

/**
 * The command port over connections of our own to the master that sentinels name: asked for when there is none, or when
 * it does not answer or is none any more (https://redis.io/docs/latest/develop/reference/sentinel-clients/).
 */
export class SentinelCommands implements RedisCommands {
  readonly #settings: SentinelTopology;
  readonly #timeoutMs: number;
  #sentinels: readonly ConnectionSettings[];
  #master: Server | undefined;
  #findingMaster: Promise<Server> | undefined;
  #replica: Server | undefined;
  #findingReplica: Promise<Server> | undefined;
  /** Local moments: until when the replica is kept, and before which none is looked for. */
  #keptUntil = 0;
  #noReplicaBefore = 0;
  #isClosed = false;

  /** `timeoutMs`: how long making a connection may take. */
  constructor(settings: SentinelTopology, timeoutMs: number) {
    this.#settings = settings;
    this.#sentinels = settings.sentinels;
    this.#timeoutMs = timeoutMs;
  }

  serverOf(): string | undefined {
    return this.#master?.address;
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
      const master = this.#master ?? (await this.#findMaster());
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

  /** The same for a replica. If there is none, the next one is not looked for at once. */
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

  /** What is found after the end is let go of. */
  async #found(question: Question): Promise<Server> {
    const server = await this.#ask(question);
    if (!this.#isClosed) return server;
    server.pool.close();
    throw new NoReply(false, new Error("the backend was closed"));
  }

  /** Asks one sentinel after the other, first the one that answered last, those that did not at the end. */
  async #ask(question: Question): Promise<Server> {
    let failure = new NoReply(false, new Error("there is no sentinel to ask"));
    for (const sentinel of this.#sentinels) {
      const name = `the sentinel ${sentinel.host}:${sentinel.port}`;
      const pool = new ConnectionPool({ ...sentinel, poolSize: 1 }, SENTINEL_LIMIT);
      try {
        const answer = await question(async (...words) => {
          const [reply = null] = await pool.send([["SENTINEL", ...words]], { timeoutMs: SENTINEL_LIMIT });
          if (reply instanceof ErrorReply) throw new NoReply(false, new Error(reply.message));
          return reply;
        });
        this.#sentinels = [sentinel, ...this.#sentinels.filter((other) => other !== sentinel)];
        return answer;
      } catch (error) {
        if (!(error instanceof NoReply)) throw error;
        this.#sentinels = [...this.#sentinels.filter((other) => other !== sentinel), sentinel];
        // The server that is meant was sent nothing.
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
      // It may have been one until just now.
      const [role] = await server.pool.send([["ROLE"]], { timeoutMs: SENTINEL_LIMIT });
      if (role instanceof ErrorReply) throw new NoReply(false, new Error(role.message));
      if (!Array.isArray(role) || role[0] !== "master") throw new NoReply(false, new Error("it is no master"));
    } catch (error) {
      server.pool.close();
      if (error instanceof NoReply) throw new NoReply(false, error.cause, server.address);
      throw error;
    }
    return server;
  }

  /** `undefined`: no replica answered. Half of the time is the master's. */
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

/** Names and values stand in turn. */
function pairsIn(facts: readonly string[]): [name: string, value: string][] {
  return facts.flatMap((name, place) => (place % 2 === 0 ? [[name, String(facts[place + 1])]] : []));
}

function isRefused(reply: RedisReply, words: RegExp): boolean {
  return reply instanceof ErrorReply && words.test(reply.message);
}
