import { warnOf } from "@deep-agent/core/adapter";
import { BACKEND } from "../../backend-name.ts";
import type { ConnectionSettings } from "../../options/topology.ts";
import { ErrorReply, NoReply } from "../failures.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { Connection } from "./connection.ts";

const warn = warnOf(BACKEND);

/** After a connection beyond the first could not be made, how long to do with those that there are, in ms. */
const GROWTH_PAUSE = 1_000;

/**
 * The command port over connections of our own to one server. The first call opens one, which calls made meanwhile
 * share; while all are in use, another is added, up to the pool's size. One that breaks is forgotten, and the next call
 * opens another.
 */
export class ConnectionPool implements RedisCommands {
  readonly #settings: ConnectionSettings;
  readonly #timeoutMs: number;
  #connections: Connection[] = [];
  #isClosed = false;
  #noGrowthBefore = 0;

  /** `timeoutMs`: how long making a connection may take. */
  constructor(settings: ConnectionSettings, timeoutMs: number) {
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
  }

  async send(commands: readonly RedisCommand[], { timeoutMs, signal }: SendOptions): Promise<readonly RedisReply[]> {
    const overdueAt = performance.now() + timeoutMs;
    for (;;) {
      if (this.#isClosed) throw new NoReply(false, new Error("the connections were closed"));
      const replies = await exchange(this.#choose(), commands, Math.max(0, overdueAt - performance.now()), signal);
      if (replies !== undefined) return replies;
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.end();
    this.#connections = [];
  }

  /** No further calls: those that are on their way may still be answered. */
  retire(): void {
    for (const connection of this.#connections) connection.retire();
    this.#connections = [];
  }

  #choose(): Connection {
    this.#connections = this.#connections.filter(({ state, isRetired }) => state !== "ended" && !isRetired);
    const open = this.#connections.filter(({ state }) => state === "open");
    const [first, ...others] = open;
    if (first === undefined) return this.#connections[0] ?? this.#add();
    const idlest = others.reduce((least, other) => (other.inFlight < least.inFlight ? other : least), first);
    if (idlest.inFlight > 0 && open.length === this.#connections.length) this.#grow();
    return idlest;
  }

  #add(): Connection {
    const connection = new Connection(this.#settings, this.#timeoutMs);
    this.#connections.push(connection);
    return connection;
  }

  #grow(): void {
    if (this.#connections.length >= this.#settings.poolSize || performance.now() < this.#noGrowthBefore) return;
    const connection = this.#add();
    connection.opened().catch((error: NoReply) => {
      // A call that took it for want of another had no more time: that says nothing of the server.
      if (connection.isOverdue) return;
      this.#noGrowthBefore = performance.now() + GROWTH_PAUSE;
      warn(`a further connection could not be made, and those that there are serve all calls: ${error.message}`);
    });
  }
}

/**
 * Sends them on that connection, which is given up if they are not answered in time, open or not. `undefined`:
 * another call, whose time was up, gave it up before they were sent.
 */
async function exchange(
  connection: Connection,
  commands: readonly RedisCommand[],
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<readonly RedisReply[] | undefined> {
  let sent = false;
  let isOverdue = false;
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  // Whatever the client still waits for, a name server or a handshake: the caller does not.
  const timer = setTimeout(() => {
    isOverdue = true;
    const reason = new Error(`nothing within ${Math.round(timeoutMs)} ms`);
    reject(new NoReply(sent, reason));
    connection.giveUp(reason);
  }, timeoutMs);
  connection.hold();
  const replies = async (): Promise<readonly RedisReply[]> => {
    await connection.opened();
    signal?.throwIfAborted();
    sent = true;
    return connection.send(commands);
  };
  try {
    const answers = await Promise.race([overdue, replies()]);
    // A server that was a master, and whose address may now be another's.
    if (answers.some((reply) => reply instanceof ErrorReply && reply.message.startsWith("READONLY")))
      connection.retire();
    return answers;
  } catch (error) {
    if (!isOverdue && !sent && connection.isOverdue) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    connection.release();
  }
}
