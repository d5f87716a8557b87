import type { ErrorReply } from "./failures.ts";

/**
 * The port between the backend and the client that talks to Redis. There is one implementation for each family of
 * clients. Nothing else knows which client it is. The port sends commands, and reports what is known if a reply did not
 * come. It does not retry, wait or judge.
 */
export interface RedisCommands {
  /**
   * Sends the commands together, in this order, on one connection to the server that serves `key`, or to any server if
   * there is no key. Resolves to one reply for each command: an {@link ErrorReply} for a refused command.
   *
   * Rejects with `NoReply` if replies did not come within `timeoutMs`, or cannot come any more. If a reply is overdue
   * on one of the backend's own connections, that connection is dropped with all commands that wait on it. Rejects
   * with the signal's reason if the signal was aborted before sending.
   */
  send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]>;
  /** Closes at once what the port itself has opened. */
  close(): void;
  /**
   * If there are several servers, names the one that serves the key now, as far as is known. This matters because each
   * server has its own clock.
   */
  serverOf?(key: string): string | undefined;
  /** A port to each master, if keys are spread over several servers. Absent: one server has all keys. */
  masters?(options: SendOptions): Promise<readonly MasterCommands[]>;
  /** Whether another server takes the place of one that is down or not a master: then trying again may help. */
  readonly failsOver?: boolean;
}

/** What is known about a command port before it is loaded. */
export interface CommandSource {
  /** The name of the servers in errors that cannot name a particular server. */
  readonly name: string;
  /** Whether keys are spread over several servers. */
  readonly isCluster: boolean;
  /** As {@link RedisCommands.failsOver}. */
  readonly failsOver: boolean;
  /** Whether there may be a proxy that knows only commands with a key. Default `false`. */
  readonly needsKeys?: boolean;
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
  /** The key of the commands. All commands have the same key, or keys of one slot. */
  key?: string | undefined;
  /** Milliseconds, from now, until replies are overdue. */
  timeoutMs: number;
  /**
   * If it is aborted before the commands are sent, they must not be sent: the caller relies on that. Aborting later
   * changes nothing.
   */
  signal?: AbortSignal | undefined;
  /** Whether a replica may answer. */
  readOnly?: boolean | undefined;
  /**
   * Whether each command depends on the commands before it on the same connection. A client that repeats commands must
   * then repeat all of them.
   */
  inseparable?: boolean | undefined;
}
