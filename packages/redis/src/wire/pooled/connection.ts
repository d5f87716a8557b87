import { createClient, RESP_TYPES } from "@redis/client";
import type { ConnectionSettings } from "../../options/topology.ts";
import { ConnectionFailed, isError, NoReply } from "../failures.ts";
import type { RedisCommand, RedisReply } from "../redis-commands.ts";
import { repliesOf } from "../replies.ts";
import { AskedPassword } from "./asked-password.ts";
import { connectionFailed } from "./connection-failed.ts";

/**
 * One of the backend's own connections, made by node-redis. It is used until it breaks, and does not reconnect. Several
 * callers send commands on it at the same time. While no call uses it, it does not keep the process alive. If no call
 * has used it for a while, it ends.
 */
export class Connection {
  readonly #settings: ConnectionSettings;
  readonly #password: AskedPassword;
  readonly #client: ReturnType<typeof clientFor>;
  readonly #opened: Promise<void>;
  readonly #onEnd: () => void;
  #isLineUp = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #idleSince = 0;
  #inFlight = 0;
  #state: "opening" | "open" | "ended" = "opening";
  #retired = false;
  #isOverdue = false;
  /** Why it ended, if known. */
  #reason: Error | undefined;

  /** Begins to connect. `onEnd`: called when it has ended. */
  constructor(settings: ConnectionSettings, timeoutMs: number, onEnd: () => void) {
    this.#settings = settings;
    this.#onEnd = onEnd;
    this.#password = new AskedPassword(settings.password, timeoutMs);
    this.#client = clientFor(settings, this.#password, timeoutMs);
    this.#client.on("connect", () => {
      this.#isLineUp = true;
    });
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
    else if (this.#state === "open") this.#rest();
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

  /**
   * Ends the connection because a reply is overdue. Resolves to the reason. If the connection still waits for its
   * password, it goes on: the next attempt may find it open.
   */
  drop(timeoutMs: number): Error {
    if (this.#password.isPending)
      return new ConnectionFailed("password pending", "the function `password` has not answered yet", {});
    const error = new Error(`timed out after ${Math.round(timeoutMs)} ms`);
    const reason = this.#state === "opening" ? this.#failed(error) : error;
    this.#isOverdue = true;
    this.end(reason);
    return reason;
  }

  /** Ends the connection, and all commands that wait on it, with that reason. */
  end(reason?: Error): void {
    this.#reason ??= reason;
    this.#setEnded();
    // If it is still being opened, `#open` ends it again afterwards.
    this.#client.destroy();
  }

  async #open(): Promise<void> {
    try {
      await this.#client.connect();
      // Without HELLO, nothing may have been asked yet. A server that takes no more connections, or speaks something
      // else, has to say so before a call's commands are sent.
      if (this.#settings.protocol === 2) await this.#client.sendCommand(["PING"]);
    } catch (error) {
      this.#setEnded();
      this.#client.destroy();
      throw new NoReply(false, this.#failed(this.#reason ?? error));
    }
    if (this.#state === "ended") {
      this.#client.destroy();
      throw new NoReply(false, this.#reason ?? new Error("The connection was ended while it was being made."));
    }
    this.#state = "open";
    if (this.#inFlight === 0) this.#rest();
  }

  #setEnded(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    clearTimeout(this.#idleTimer);
    this.#password.giveUp();
    this.#onEnd();
  }

  /** Why it could not be made. */
  #failed(error: unknown): ConnectionFailed {
    if (error instanceof ConnectionFailed) return error;
    const { message, code }: { message: string; code?: unknown } = isError(error) ? error : new Error(String(error));
    return connectionFailed(this.#password.removedFrom(message), code, {
      isLineUp: this.#isLineUp,
      usesTls: this.#settings.tls !== false,
      protocol: this.#settings.protocol,
      passwordMayChange: this.#password.mayChange,
    });
  }

  /** No call uses it: from now on it does not keep the process alive, and after a while it ends. */
  #rest(): void {
    this.#client.unref();
    this.#idleSince = performance.now();
    const { idleTimeoutMs } = this.#settings;
    if (idleTimeoutMs > 0) this.#idleTimer ??= this.#endIfIdleIn(idleTimeoutMs);
  }

  #endIfIdleIn(ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#idleTimer = undefined;
      // A call uses it: when that is over, it rests again.
      if (this.#state !== "open" || this.#inFlight > 0) return;
      const left = this.#idleSince + this.#settings.idleTimeoutMs - performance.now();
      if (left < 1) this.end();
      else this.#idleTimer = this.#endIfIdleIn(left);
    }, ms);
    return timer.unref();
  }
}

/**
 * Clients that never connect, by the version of the protocol. The client's package builds a class for each new
 * `createClient`, which takes many milliseconds. A duplicate has the class of its original.
 */
const originals = new Map<2 | 3, ReturnType<typeof original>>();

function original(protocol: 2 | 3) {
  return createClient({
    RESP: protocol,
    // The backend has its own deadlines: the client's timeout covers only commands that were not yet written. A map is
    // read as a list of names and values in turn, as in RESP 2.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.MAP]: Array } },
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
}

function clientFor(settings: ConnectionSettings, asked: AskedPassword, timeoutMs: number) {
  const { host, port, username, db, tls, protocol, family, isReplica = false } = settings;
  const common = {
    ...{ host, port, connectTimeout: timeoutMs, reconnectStrategy: false as const },
    ...(family !== 0 && { family }),
  };
  const client = originals.get(protocol) ?? original(protocol);
  originals.set(protocol, client);
  return client.duplicate({
    socket: tls === false ? common : { ...(tls === true ? {} : tls), ...common, tls: true },
    credentialsProvider: {
      type: "async-credentials-provider",
      async credentials() {
        const password = await asked.get();
        return password === "" ? {} : { password, ...(username !== undefined && { username }) };
      },
    },
    database: db,
    readonly: isReplica,
  });
}
