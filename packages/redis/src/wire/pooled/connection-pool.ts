import { warnOf } from "@deep-agent/core/adapter";
import { BACKEND } from "../../backend-name.ts";
import type { ConnectionSettings } from "../../options/topology.ts";
import { ErrorReply, NoReply } from "../failures.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { Connection } from "./connection.ts";

const warn = warnOf(BACKEND);

/** How long not to add connections after adding one failed, in ms. */
const GROWTH_PAUSE = 1_000;

/**
 * The command port over the backend's own connections to one server. The first call opens a connection, and calls made
 * meanwhile share it. If all connections are in use, another is added, up to the pool's size. A connection that breaks
 * is dropped, and the next call opens another.
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

  /** Takes no further calls. Calls in progress may still be answered. */
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
      // A call was using it for lack of another, and ran out of time. That says nothing about the server.
      if (connection.isOverdue) return;
      this.#noGrowthBefore = performance.now() + GROWTH_PAUSE;
      warn(`could not open another connection, so the existing ones serve all calls: ${error.message}`);
    });
  }
}

/**
 * Sends commands on a connection. If they are not answered in time, the connection is dropped, even if it is still
 * being opened. `undefined`: nothing was sent, because another call whose time was up dropped the connection before.
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
  // The client may wait longer, for a name server or a handshake, but the caller does not.
  const timer = setTimeout(() => {
    isOverdue = true;
    const reason = new Error(`timed out after ${Math.round(timeoutMs)} ms`);
    reject(new NoReply(sent, reason));
    connection.drop(reason);
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
    // The server was a master, and its address may now lead to another server.
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
