import type { ErrorReply } from "./failures.ts";

/**
 * The port between the backend and whatever client talks to Redis: one implementation per family of clients, and
 * nothing else knows which client it is. It sends, and says what is known when no reply came; it does not retry, wait
 * or judge.
 */
export interface RedisCommands {
  /**
   * Sends the commands together, in this order, on one connection to the server that serves `key` (any server, if
   * there is no key). Resolves to one reply for each command: what the server refused is an {@link ErrorReply} there.
   *
   * Rejects with `NoReply` if replies did not come within `timeoutMs`, or cannot come any more. A connection of ours
   * on which a reply is overdue is dropped with all that waits on it. Rejects with the signal's reason if that came
   * before sending.
   */
  send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]>;
  /** Lets go of what was opened, at once. */
  close(): void;
  /**
   * If there are several servers, names the one that serves the key now, as far as is known. Clocks differ from one
   * server to the other.
   */
  serverOf?(key: string): string | undefined;
  /** Where keys are spread over several servers: a port to each that has some. Absent: one server has them all. */
  masters?(options: SendOptions): Promise<readonly MasterCommands[]>;
  /** Whether a server that is away, or no master, is replaced by another: then it is worth trying again. */
  readonly failsOver?: boolean;
}

/** What is known of a command port before it is loaded. */
export interface CommandSource {
  /** How errors call the servers, if they cannot say which one. */
  readonly name: string;
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
export type RedisReply = string | number | null | ErrorReply | readonly RedisReply[];

export interface SendOptions {
  /** The key that the commands are about; all of them the same, or of one slot. */
  key?: string | undefined;
  /** Milliseconds, from now, until replies are overdue. */
  timeoutMs: number;
  /**
   * If it is aborted before they are sent, they must not be: whoever aborted relies on it. Later it changes nothing.
   */
  signal?: AbortSignal | undefined;
  /** Whether a replica may answer. */
  readOnly?: boolean | undefined;
  /**
   * Whether each of them is worth nothing without those before it on the same connection: a client that repeats them
   * repeats all.
   */
  inseparable?: boolean | undefined;
}
