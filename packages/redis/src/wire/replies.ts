import { ErrorReply, isError, NoReply } from "./failures.ts";
import type { RedisReply } from "./redis-commands.ts";

/** The replies of commands that travel together, as the command port has them, from those of a client. */
export async function repliesOf(sent: readonly unknown[]): Promise<readonly RedisReply[]> {
  const settled = await Promise.allSettled(sent);
  return settled.map((result) => (result.status === "fulfilled" ? textOf(result.value) : errorReplyOf(result.reason)));
}

/** An error that a server answered; for any other, throws {@link NoReply}. */
export function errorReplyOf(error: unknown): ErrorReply {
  const message = isError(error) ? error.message : String(error);
  if (isServersWords(message)) return new ErrorReply(message);
  throw new NoReply(!isUnsent(message), error);
}

/** Whatever a client was told to turn them into, we read text. */
export function textOf(value: unknown): RedisReply {
  if (Buffer.isBuffer(value)) return value.toString();
  if (Array.isArray(value) && value.some((part) => typeof part === "object" && part !== null)) return value.map(textOf);
  return value as RedisReply; // what scripts and the few other commands answer: text, integers, nil, arrays of them
}

/** What a command answers whose reply is a list. */
export function listOf(reply: RedisReply | undefined): readonly RedisReply[] {
  return Array.isArray(reply) ? reply : [];
}

/** What a command answers whose reply is a list of texts. They may be many, and are not looked at. */
export function textsOf(reply: RedisReply | undefined): readonly string[] {
  return Array.isArray(reply) ? reply : [];
}

/** Errors of servers begin with a code in capitals, those of sockets and clients do not. */
function isServersWords(message: string): boolean {
  return /^[A-Z][A-Z0-9]+ /.test(message);
}

/**
 * Clients say so if a command was not written. Their error classes are not asked: there may be several copies of them.
 */
function isUnsent(message: string): boolean {
  return /^The client is (closed|offline)|^The queue is full|^Stream isn't writeable/.test(message);
}
