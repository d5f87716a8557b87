import { warnOf } from "@deep-agent/core/adapter";
import { BACKEND } from "../../backend-name.ts";
import type { ConnectionSettings } from "../../options/topology.ts";
import { connectionFault, ErrorReply, NoReply } from "../failures.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { Connection } from "./connection.ts";
import { becameIdle, closeAllIdle, leftIdle } from "./idle-pools.ts";

const warn = warnOf(BACKEND);

/** How long not to add connections after adding one failed, in ms. */
const GROWTH_PAUSE = 1_000;

/**
 * The command port over the backend's own connections to one server. The first call opens a connection, and calls made
 * meanwhile share it. If all connections are in use, another is added, up to the pool's size. A connection that breaks
 * is dropped, and the next call opens another. Idle connections are closed after a while, or earlier if other backends
 * of this process need them.
 */
export class ConnectionPool implements RedisCommands {
  readonly #settings: ConnectionSettings;
  readonly #timeoutMs: number;
  readonly #address: string;
  #connections: Connection[] = [];
  #calls = 0;
  #isClosed = false;
  #noGrowthBefore = 0;

  /** `timeoutMs`: how long making a connection may take. */
  constructor(settings: ConnectionSettings, timeoutMs: number) {
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
    this.#address = `${settings.host}:${settings.port}`;
  }

  /** The number of its connections that have not ended. */
  get size(): number {
    return this.#connections.length;
  }

  async send(commands: readonly RedisCommand[], { timeoutMs, signal }: SendOptions): Promise<readonly RedisReply[]> {
    const overdueAt = performance.now() + timeoutMs;
    this.#calls += 1;
    leftIdle(this.#address, this);
    try {
      for (;;) {
        if (this.#isClosed) throw new NoReply(false, new Error("the connections were closed"));
        const replies = await exchange(this.#choose(), commands, Math.max(0, overdueAt - performance.now()), signal);
        if (replies !== undefined) return replies;
      }
    } catch (error) {
      const fault = connectionFault(error);
      // A server that takes no more connections does not always say so before it closes one.
      if (fault === "full" || fault?.startsWith("hung up")) closeAllIdle(this.#address);
      throw error;
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0 && this.size > 0) becameIdle(this.#address, this);
    }
  }

  closeIdle(): void {
    for (const connection of this.#connections) if (connection.inFlight === 0) connection.end();
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.end();
    this.#connections = [];
    leftIdle(this.#address, this);
  }

  /** Takes no further calls. Calls in progress may still be answered. */
  retire(): void {
    for (const connection of this.#connections) connection.retire();
    this.#connections = [];
    leftIdle(this.#address, this);
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
    const connection = new Connection(this.#settings, this.#timeoutMs, () => {
      this.#connections = this.#connections.filter((other) => other !== connection);
      if (this.size === 0) leftIdle(this.#address, this);
    });
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
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  // The client may wait longer, for a name server or a handshake, but the caller does not.
  const timer = setTimeout(() => {
    isOverdue = true;
    reject(new NoReply(sent, connection.drop(timeoutMs)));
  }, timeoutMs);
  // The connection is not dropped: other calls may wait for it.
  const stop = (): void => {
    if (!sent) reject(signal?.reason);
  };
  signal?.addEventListener("abort", stop);
  connection.hold();
  const replies = async (): Promise<readonly RedisReply[]> => {
    await connection.opened();
    signal?.throwIfAborted();
    sent = true;
    return connection.send(commands);
  };
  try {
    const answers = await Promise.race([stopped, replies()]);
    // The server was a master, and its address may now lead to another server. Or the user's password has expired.
    if (answers.some((reply) => reply instanceof ErrorReply && /^(READONLY|NOAUTH)\b/.test(reply.message)))
      connection.retire();
    return answers;
  } catch (error) {
    if (!isOverdue && !sent && connection.isOverdue) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    connection.release();
  }
}
