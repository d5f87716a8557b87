import { cleanCause, errorWith, MemoryError, type Outcome, quoteId } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import { CommandRefused, DeadlinePassed, isError, NoReply, OutcomeUnknown, TooFewReplicas } from "../wire/failures.ts";
import { type ErrorKind, kindOf, notDurable, tlsCodes, unreachable, untrusted } from "./error-kinds.ts";

/** What was being done, for messages. */
export interface RedisOperation {
  /** `"append to"`, `"read"`, … */
  verb: string;
  memoryId: string | undefined;
  /** Whether it changes something, so that its outcome matters. */
  writes: boolean;
}

/** An operation, and the server as it may be shown: `"localhost:6379"`. */
interface Attempted extends RedisOperation {
  server: string;
}

/** The error that a caller gets for what went wrong underneath; what is no matter of Redis is answered as it is. */
export function redisError(error: unknown, operation: RedisOperation, server: string): unknown {
  const attempted = { ...operation, server };
  if (error instanceof OutcomeUnknown) return mapped(error.cause, attempted, "unknown");
  return mapped(error, attempted, error instanceof NoReply && error.sent ? "unknown" : "not-applied");
}

function mapped(error: unknown, attempted: Attempted, outcome: Outcome): unknown {
  // Of a write whose earlier attempt may have taken effect.
  if (MemoryError.is(error)) return outcome === "unknown" ? errorWith(error, { outcome }) : error;
  if (error instanceof TooFewReplicas) {
    return failure(notDurable, attempted, `it is written, but ${error.message} in time`, "applied");
  }
  if (error instanceof CommandRefused) {
    const became = outcome === "unknown" ? outcome : error.outcome;
    const server = error.server ?? attempted.server;
    return failure(kindOf(error.message), attempted, `${server} answered ${shown(error)}`, became, error);
  }
  if (error instanceof DeadlinePassed) {
    return failure(unreachable, attempted, `${attempted.server} got it after its deadline, and did nothing`, outcome);
  }
  return error instanceof NoReply ? unanswered(error, attempted, outcome) : error;
}

function unanswered(error: NoReply, attempted: Attempted, outcome: Outcome): MemoryError {
  // If the connection was never made, the reason may be the server's: a wrong password.
  const reason = isError(error.cause) ? error.cause : error;
  const answered = /^[A-Z]{2,} /.test(reason.message);
  const kind = answered ? kindOf(reason.message) : tlsCodes.test(codeOf(reason)) ? untrusted : unreachable;
  const server = error.server ?? attempted.server;
  const unsent = answered ? `${server} refused the connection` : `${server} could not be reached`;
  const problem = error.sent ? `no reply came from ${server}` : unsent;
  return failure(kind, attempted, `${problem} (${shown(reason)})`, outcome, reason);
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

/** One line of it: a code if there is one, or the server's words. */
function shown(error: Error): string {
  return codeOf(error) || withoutArguments(error.message).replace(/[.\s]+$/, "");
}

function codeOf(error: Error & { code?: unknown }): string {
  return typeof error.code === "string" ? error.code : "";
}

/** Servers quote the arguments of a command that they do not know. */
function withoutArguments(message: string): string {
  return (message.split(/,? with args beginning with/)[0] ?? "").slice(0, 200);
}
