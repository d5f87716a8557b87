import { createClient, RESP_TYPES } from "@redis/client";
import type { ConnectionSettings } from "../../options/topology.ts";
import { NoReply } from "../failures.ts";
import type { RedisCommand, RedisReply } from "../redis-commands.ts";
import { repliesOf } from "../replies.ts";

/**
 * One of the backend's own connections, made by node-redis. It is used until it breaks, and does not reconnect. Several
 * callers send commands on it at the same time. While no call uses it, it does not keep the process alive.
 */
export class Connection {
  readonly #client: ReturnType<typeof clientFor>;
  readonly #opened: Promise<void>;
  #inFlight = 0;
  #state: "opening" | "open" | "ended" = "opening";
  #retired = false;
  #isOverdue = false;
  /** Why it ended, if known. */
  #reason: Error | undefined;

  /** Begins to connect. */
  constructor(settings: ConnectionSettings, timeoutMs: number) {
    this.#client = clientFor(settings, timeoutMs);
    // Without a listener, an error would end the process. Calls that wait for a reply reject with it. If no call waits,
    // the next call finds the connection ended.
    this.#client.on("error", (error: Error) => this.end(error));
    this.#opened = this.#open();
  }

  /** The number of calls that use it. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get state(): "opening" | "open" | "ended" {
    return this.#state;
  }

  /** Resolves when it is open. Rejects with {@link NoReply}: nothing was sent. */
  opened(): Promise<void> {
    return this.#opened;
  }

  /** Sends commands together. Call this only after {@link opened} has resolved. */
  async send(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]> {
    if (this.#state !== "open") throw new NoReply(false, this.#reason ?? new Error("The connection has ended."));
    try {
      return await repliesOf(commands.map((command) => this.#client.sendCommand([...command])));
    } catch (error) {
      // To commands that wait, the client only says that it was disconnected.
      if (this.#reason !== undefined && error instanceof NoReply) throw new NoReply(error.sent, this.#reason);
      throw error;
    }
  }

  /** Counts a call as using the connection, until {@link release}. */
  hold(): void {
    if (this.#inFlight++ === 0) this.#client.ref();
  }

  release(): void {
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    if (this.#retired) this.end();
    else if (this.#state === "open") this.#client.unref();
  }

  /** Takes no further calls, and ends after the last call in progress. */
  retire(): void {
    this.#retired = true;
    if (this.#inFlight === 0) this.end();
  }

  get isRetired(): boolean {
    return this.#retired;
  }

  /** Whether it was dropped because a reply was overdue. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  /** Ends the connection because a reply is overdue. */
  drop(reason: Error): void {
    this.#isOverdue = true;
    this.end(reason);
  }

  /** Ends the connection, and all commands that wait on it, with that reason. */
  end(reason?: Error): void {
    this.#reason ??= reason;
    this.#state = "ended";
    // If it is still being opened, `#open` ends it again afterwards.
    this.#client.destroy();
  }

  async #open(): Promise<void> {
    try {
      await this.#client.connect();
    } catch (error) {
      this.#state = "ended";
      throw new NoReply(false, this.#reason ?? error);
    }
    if (this.#state === "ended") {
      this.#client.destroy();
      throw new NoReply(false, this.#reason ?? new Error("The connection was ended while it was being made."));
    }
    this.#state = "open";
    if (this.#inFlight === 0) this.#client.unref();
  }
}

function clientFor(settings: ConnectionSettings, timeoutMs: number) {
  const { host, port, username, password, db, tls, isReplica = false } = settings;
  const common = { host, port, connectTimeout: timeoutMs, reconnectStrategy: false as const };
  return createClient({
    socket: tls === false ? common : { ...(tls === true ? {} : tls), ...common, tls: true },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    database: db,
    readonly: isReplica,
    // The backend has its own deadlines: the client's timeout covers only commands that were not yet written. A map is
    // read as a list of names and values in turn, as in RESP 2.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.MAP]: Array } },
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
}
