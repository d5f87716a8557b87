import type { Outcome } from "@deep-agent/core/adapter";

/*
 * What can go wrong between a call and the servers. `calls/redis-error.ts` turns it into the errors that callers get.
 */

/** Errors of servers during a failover, or while a slot moves. */
const passing = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS)\b/;

/** The server's error reply to one command, among the replies to other commands. */
export class ErrorReply {
  /** As the server wrote it: `"OOM command not allowed when used memory > 'maxmemory'."` */
  readonly message: string;
  /** The server that replied, if there are several. */
  readonly server: string | undefined;

  constructor(message: string, server?: string) {
    this.message = message;
    this.server = server;
  }
}

/** Some replies did not come. */
export class NoReply extends Error {
  override readonly name = "NoReply";
  /** `false`: the commands certainly never reached the server. `true`: they may have reached it, or may still do so. */
  readonly sent: boolean;
  /** The server that did not answer, if there are several. */
  readonly server: string | undefined;

  constructor(sent: boolean, cause: unknown, server?: string) {
    super(isError(cause) ? cause.message : String(cause), { cause });
    this.sent = sent;
    this.server = server;
  }
}

/** Why a connection could not be made, if that is known. */
export type ConnectionFault =
  /** The function that gives the password failed, or did not answer. */
  | "password"
  /** The function that gives the password has not answered yet. The connection still waits for it. */
  | "password pending"
  /** The server refused the password that the function gave. */
  | "old password"
  /** The server takes no more connections. */
  | "full"
  /** The server, or a proxy in front of it, does not know HELLO. */
  | "no hello"
  /** TLS was begun, and what came is no TLS. */
  | "not TLS"
  /** TLS was begun, and the server closed the connection or did not answer. */
  | "no TLS"
  /** TLS was not begun, and what came is TLS. */
  | "TLS"
  /** The server closed the connection before it answered anything. */
  | "hung up"
  | "hung up after TLS";

/** A connection could not be made. Its message and code are those of the error that says so, without the password. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
  readonly fault: ConnectionFault | undefined;
  declare readonly code?: string;

  constructor(
    fault: ConnectionFault | undefined,
    message: string,
    { code, cause }: { code?: unknown; cause?: unknown },
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.fault = fault;
    if (typeof code === "string") this.code = code;
  }
}

/** Why no connection could be made, if that is why the replies did not come, and is known. */
export function connectionFault(error: unknown): ConnectionFault | undefined {
  return error instanceof NoReply && error.cause instanceof ConnectionFailed ? error.cause.fault : undefined;
}

/** The server refused a command with an error. */
export class CommandRefused extends Error {
  override readonly name = "CommandRefused";
  /** The outcome of the rest of the operation. */
  readonly outcome: Outcome;
  /** The server that replied, if there are several. */
  readonly server: string | undefined;

  constructor(message: string, outcome: Outcome = "not-applied", server?: string) {
    super(message);
    this.outcome = outcome;
    this.server = server;
  }

  /** Whether the error may soon pass, because a failover or the move of a slot causes it. */
  get passes(): boolean {
    return passing.test(this.message);
  }
}

/** The deadline had passed by the server's clock, so the script did nothing. */
export class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
}

/** An attempt failed, and an earlier attempt may have taken effect. `cause`: why the attempt failed. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";

  constructor(cause: unknown) {
    super("An earlier attempt may have taken effect.", { cause });
  }
}

/** A write was made, but too few replicas have confirmed it. */
export class TooFewReplicas extends Error {
  override readonly name = "TooFewReplicas";

  constructor(wanted: number, reached: number) {
    super(`only ${reached} of ${wanted} replicas have it`);
  }
}

/** Not the server that began a scan answered, so the scan has to start again. */
export class ListingRestarted extends Error {
  override readonly name = "ListingRestarted";
}

/** Recognizes an error by its shape: its class may come from another realm. */
export function isError(value: unknown): value is Error {
  return typeof value === "object" && value !== null && "message" in value && typeof value.message === "string";
}
