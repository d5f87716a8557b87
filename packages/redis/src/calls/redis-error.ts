import { cleanCause, MemoryError, type Outcome, quoteId, withUnknownOutcome } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import {
  CommandRefused,
  ConnectionFailed,
  DeadlinePassed,
  isError,
  NoReply,
  OutcomeUnknown,
  TooFewReplicas,
} from "../wire/failures.ts";
import {
  type ErrorKind,
  foreignIndex,
  kindOf,
  kindOfFault,
  notDurable,
  tlsCodes,
  unreachable,
  untrusted,
} from "./error-kinds.ts";

/** The operation that failed, for error messages. */
export interface RedisOperation {
  /** `"append to"`, `"read"`, … */
  verb: string;
  memoryId: string | undefined;
  /** Whether it writes, so that its outcome matters. */
  writes: boolean;
  /** The key of the index, if the operation needs it and looks at the type of the memory's own key by itself. */
  index?: string | undefined;
}

/** An operation, and its server as error messages show it: `"localhost:6379"`. */
interface Attempted extends RedisOperation {
  server: string;
}

/** Turns a failure into the error that the caller gets. Errors that do not come from Redis are returned unchanged. */
export function redisError(error: unknown, operation: RedisOperation, server: string): unknown {
  const attempted = { ...operation, server };
  if (error instanceof OutcomeUnknown) return mapped(error.cause, attempted, "unknown");
  return mapped(error, attempted, error instanceof NoReply && error.sent ? "unknown" : "not-applied");
}

function mapped(error: unknown, attempted: Attempted, outcome: Outcome): unknown {
  // This attempt failed with certainty, but an earlier attempt of the same write may have taken effect.
  if (MemoryError.is(error)) return outcome === "unknown" ? withUnknownOutcome(error) : error;
  if (error instanceof TooFewReplicas) {
    return failure(notDurable, attempted, `it was written, but ${error.message} in time`, "applied");
  }
  if (error instanceof CommandRefused) {
    const became = error.outcome === "not-applied" ? outcome : error.outcome;
    const server = error.server ?? attempted.server;
    const isOfIndex = attempted.index !== undefined && /\bWRONGTYPE\b/.test(error.message);
    const [kind, about] = isOfIndex
      ? [foreignIndex, `the index ${quoteId(attempted.index ?? "")} holds something else: `]
      : [kindOf(error.message), ""];
    return failure(kind, attempted, `${about}${server} answered ${shown(error)}`, became, error);
  }
  if (error instanceof DeadlinePassed) {
    return failure(unreachable, attempted, `${attempted.server} received the call too late, and did nothing`, outcome);
  }
  return error instanceof NoReply ? unanswered(error, attempted, outcome) : error;
}

function unanswered(error: NoReply, attempted: Attempted, outcome: Outcome): MemoryError {
  // If the connection was never made, the reason may come from the server, such as a wrong password.
  const reason = isError(error.cause) ? error.cause : error;
  const answered = /^[A-Z]{2,} /.test(reason.message);
  const kind =
    kindOfFault(reason instanceof ConnectionFailed ? reason.fault : undefined) ??
    (answered ? kindOf(reason.message) : tlsCodes.test(codeOf(reason)) ? untrusted : unreachable);
  const server = error.server ?? attempted.server;
  const unsent = answered ? `${server} refused the connection` : `${server} could not be reached`;
  const problem = error.sent ? `no reply came from ${server}` : unsent;
  return failure(kind, attempted, `${problem} (${shown(reason)})`, outcome, causeOf(reason));
}

/** What the function that gives the password threw is the cause. Any other failure is its own cause. */
function causeOf(reason: Error): Error {
  return reason instanceof ConnectionFailed && reason.cause !== undefined ? foreignCause(reason.cause) : reason;
}

/** A value that somebody's function threw, as an error that can be read. */
function foreignCause(thrown: unknown): Error {
  try {
    return cleanCause(thrown);
  } catch {
    return new Error("An error that cannot be read was thrown.");
  }
}

function failure(
  { code, retryable, hint }: ErrorKind,
  { verb, memoryId, writes }: RedisOperation,
  problem: string,
  outcome: Outcome,
  cause?: Error,
): MemoryError {
  const to = memoryId === undefined ? "" : ` memory ${quoteId(memoryId)}`;
  return new MemoryError(code, `Cannot ${verb}${to}: ${problem}.`, {
    backend: BACKEND,
    memoryId,
    outcome: writes ? outcome : "not-applied",
    retryable,
    hint,
    cause: cause && cleanCause(cause, withoutArguments),
  });
}

/** The error in one line: its code if it has one, otherwise its message. */
function shown(error: Error): string {
  return codeOf(error) || withoutArguments(error.message).replace(/[.\s]+$/, "");
}

function codeOf(error: Error & { code?: unknown }): string {
  return typeof error.code === "string" ? error.code : "";
}

/** Removes the arguments, which servers quote for a command that they do not know. */
function withoutArguments(message: string): string {
  return (message.split(/,? with args beginning with/)[0] ?? "").slice(0, 200);
}
