import type { Outcome } from "@deep-agent/core/adapter";

/*
 * What can go wrong between a call and the servers. `calls/redis-error.ts` makes of it the errors that callers get.
 */

/** What servers say while they find out which of them is the master, or which one has a slot. */
const passing = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS)\b/;

/** An error that the server answered to one command, among the replies to others. */
export class ErrorReply {
  /** As the server wrote it: `"OOM command not allowed when used memory > 'maxmemory'."` */
  readonly message: string;
  /** The server that said it, if there are several. */
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
  /** The server that did not answer, if there are several. */
  readonly server: string | undefined;

  constructor(sent: boolean, cause: unknown, server?: string) {
    super(isError(cause) ? cause.message : String(cause), { cause });
    this.sent = sent;
    this.server = server;
  }
}

/** The server answered an error instead of doing what it was asked to. */
export class CommandRefused extends Error {
  override readonly name = "CommandRefused";
  /** What became of the rest of the operation. */
  readonly outcome: Outcome;
  /** The server that said it, if there are several. */
  readonly server: string | undefined;

  constructor(message: string, outcome: Outcome = "not-applied", server?: string) {
    super(message);
    this.outcome = outcome;
    this.server = server;
  }

  /** Whether the answer may soon be another, because servers take each other's place. */
  get passes(): boolean {
    return passing.test(this.message);
  }
}

/** By the server's clock the deadline had passed, and the script did nothing. */
export class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
}

/** An attempt failed after others whose effect nobody knows. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";

  constructor(cause: unknown) {
    super("An earlier attempt may have taken effect.", { cause });
  }
}

/** A write was made, and too few replicas have said that they have it. */
export class TooFewReplicas extends Error {
  override readonly name = "TooFewReplicas";

  constructor(wanted: number, reached: number) {
    super(`${reached} of ${wanted} replicas have it`);
  }
}

/** Another server answers than the one that began a listing. */
export class ListingRestarted extends Error {
  override readonly name = "ListingRestarted";
}

/** Not asked for its class: it may be of another realm. */
export function isError(value: unknown): value is Error {
  return typeof value === "object" && value !== null && "message" in value && typeof value.message === "string";
}
