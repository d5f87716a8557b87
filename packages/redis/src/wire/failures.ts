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
