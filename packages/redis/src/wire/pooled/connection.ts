import { createClient, RESP_TYPES } from "@redis/client";
import type { ConnectionSettings } from "../../options/topology.ts";
import { NoReply } from "../failures.ts";
import type { RedisCommand, RedisReply } from "../redis-commands.ts";
import { repliesOf } from "../replies.ts";

/**
 * One connection of ours, made by node-redis and used until it breaks: it does not come back by itself. Commands of
 * several callers travel on it at the same time; while there are none, it does not keep the process alive.
 */
export class Connection {
  readonly #client: ReturnType<typeof clientFor>;
  readonly #opened: Promise<void>;
  #inFlight = 0;
  #state: "opening" | "open" | "ended" = "opening";
  #retired = false;
  #isOverdue = false;
  /** Why it ended, if that is known. */
  #reason: Error | undefined;

  /** Begins to connect. */
  constructor(settings: ConnectionSettings, timeoutMs: number) {
    this.#client = clientFor(settings, timeoutMs);
    // Without a listener an error would end the process. Whoever waits for a reply is told of it; if nobody does,
    // the next call finds the connection ended.
    this.#client.on("error", (error: Error) => this.end(error));
    this.#opened = this.#open();
  }

  /** How many calls use it. */
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

  /** The replies to commands that travel together. Call it when it is open. */
  async send(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]> {
    if (this.#state !== "open") throw new NoReply(false, this.#reason ?? new Error("The connection has ended."));
    try {
      return await repliesOf(commands.map((command) => this.#client.sendCommand([...command])));
    } catch (error) {
      // The client says of all that waits only that it was disconnected.
      if (this.#reason !== undefined && error instanceof NoReply) throw new NoReply(error.sent, this.#reason);
      throw error;
    }
  }

  /** Counts a call as using it, until it is released. */
  hold(): void {
    if (this.#inFlight++ === 0) this.#client.ref();
  }

  release(): void {
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    if (this.#retired) this.end();
    else if (this.#state === "open") this.#client.unref();
  }

  /** No further calls: it ends with the last that uses it. */
  retire(): void {
    this.#retired = true;
    if (this.#inFlight === 0) this.end();
  }

  get isRetired(): boolean {
    return this.#retired;
  }

  /** Whether it was given up because an answer was overdue. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  /** Ends it because an answer on it is overdue. */
  giveUp(reason: Error): void {
    this.#isOverdue = true;
    this.end(reason);
  }

  /** Ends it, and all that waits on it, for that reason. */
  end(reason?: Error): void {
    this.#reason ??= reason;
    this.#state = "ended";
    // Also where it is about to be made: what is made in spite of it is ended then.
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
      throw new NoReply(false, this.#reason ?? new Error("The connection was ended while it was made."));
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
    // Deadlines are the backend's own; those of the client cover only what was not yet written. Maps come as the lists
    // that they are in RESP 2: of names and values in turn.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.MAP]: Array } },
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
}
