/**
 * The port between the backend and whatever client talks to Redis: one implementation per family of clients, and nothing else
 * knows which client it is. It sends, and says what is known when no reply came; it does not retry, wait or judge.
 */
export interface RedisCommands {
  /**
   * Sends the commands together, in this order, on one connection to the server that serves `key` (any server, where there is
   * none). Resolves to one reply for each command: what the server refused is a {@link RefusedReply} among them.
   *
   * Rejects with {@link NoReply} where replies did not come within `timeoutMs`, or cannot come any more. A connection of ours on
   * which a reply is overdue is dropped with all that waits on it. Rejects with the signal's reason where that came before sending.
   */
  send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]>;
  /** Lets go of what was opened, at once. */
  close(): void;
  /** Where there are several servers, names the one that serves the key now, as far as is known. Clocks differ from one to the other. */
  serverOf?(key: string): string | undefined;
  /** Where keys are spread over several servers: a port to each that has some. Absent: one server has them all. */
  masters?(options: SendOptions): Promise<readonly MasterCommands[]>;
  /** Whether a server that is away, or no master, is replaced by another: then it is worth trying again. */
  readonly failsOver?: boolean;
}

/** What is known of a command port before it is loaded. */
export interface CommandSource {
  /** Whether keys are spread over several servers. */
  readonly isCluster: boolean;
  /** As {@link RedisCommands.failsOver}. */
  readonly failsOver: boolean;
  open(): Promise<RedisCommands>;
}

/** One of several servers. */
export interface MasterCommands {
  readonly name: string;
  readonly commands: Pick<RedisCommands, "send">;
}

/** A command and its arguments, as they go over the wire. */
export type RedisCommand = readonly string[];

/** Bulk and simple strings, integers, nil and arrays of them. */
export type RedisReply = string | number | null | RefusedReply | readonly RedisReply[];

export interface SendOptions {
  /** The key that the commands are about; all of them the same, or of one slot. */
  key?: string | undefined;
  /** Milliseconds, from now, until replies are overdue. */
  timeoutMs: number;
  /** Where it is aborted before they are sent, they must not be: whoever aborted relies on it. Afterwards it changes nothing. */
  signal?: AbortSignal | undefined;
  /** Whether a replica may answer. */
  readOnly?: boolean | undefined;
  /** Whether each of them is worth nothing without those before it on the same connection: a client that repeats them repeats all. */
  inseparable?: boolean | undefined;
}

/** An error that the server answered. */
export class RefusedReply {
  /** As the server wrote it: `"OOM command not allowed when used memory > 'maxmemory'."` */
  readonly message: string;
  /** The server that said it, where there are several. */
  readonly server: string | undefined;

  constructor(message: string, server?: string) {
    this.message = message;
    this.server = server;
  }
}

/** No reply came, or not all of them. */
export class NoReply extends Error {
  override readonly name = "NoReply";
  /** `false`: the commands certainly never reached the server. `true`: they may have, or may still. */
  readonly sent: boolean;
  /** The server that did not answer, where there are several. */
  readonly server: string | undefined;

  constructor(sent: boolean, cause: object, server?: string) {
    super((cause as Partial<Error>).message, { cause }); // not asked for its class: it may be of another realm
    this.sent = sent;
    this.server = server;
  }
}
