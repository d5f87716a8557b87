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
}

/** An error that the server answered. */
export class RefusedReply {
  /** As the server wrote it: `"OOM command not allowed when used memory > 'maxmemory'."` */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** No reply came, or not all of them. */
export class NoReply extends Error {
  override readonly name = "NoReply";
  /** `false`: the commands certainly never reached the server. `true`: they may have, or may still. */
  readonly sent: boolean;

  constructor(sent: boolean, cause: object) {
    super((cause as Partial<Error>).message, { cause }); // not asked for its class: it may be of another realm
    this.sent = sent;
  }
}
