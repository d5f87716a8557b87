import { ErrorReply, isError, NoReply } from "./failures.ts";
import type { RedisReply } from "./redis-commands.ts";

/** Turns the replies of a client to commands sent together into those of the command port. */
export async function repliesOf(sent: readonly unknown[]): Promise<readonly RedisReply[]> {
  const settled = await Promise.allSettled(sent);
  return settled.map((result) => (result.status === "fulfilled" ? textOf(result.value) : errorReplyOf(result.reason)));
}

/** Turns a client's error into the server's error reply. Throws {@link NoReply} if the server did not reply. */
export function errorReplyOf(error: unknown): ErrorReply {
  const message = isError(error) ? error.message : String(error);
  if (isByServer(message)) return new ErrorReply(message);
  throw new NoReply(!isUnsent(message), error);
}

/** Turns a reply into text, whatever types the client was configured to return. */
export function textOf(value: unknown): RedisReply {
  if (Buffer.isBuffer(value)) return value.toString();
  if (Array.isArray(value) && value.some((part) => typeof part === "object" && part !== null)) return value.map(textOf);
  return value as RedisReply; // the commands sent here return only text, integers, nil, and arrays of these
}

/** The reply of a command that returns a list. */
export function listOf(reply: RedisReply | undefined): readonly RedisReply[] {
  return Array.isArray(reply) ? reply : [];
}

/** The reply of a command that returns a list of texts. They are not checked, since they may be many. */
export function textsOf(reply: RedisReply | undefined): readonly string[] {
  return Array.isArray(reply) ? reply : [];
}

/**
 * Whether the server wrote it: errors of servers begin with a code in capitals, those of sockets and clients do not.
 */
function isByServer(message: string): boolean {
  return /^[A-Z][A-Z0-9]+ /.test(message);
}

/**
 * Whether the client says that it did not send the command. Its error classes are not compared, because a program may
 * have several copies of them.
 */
function isUnsent(message: string): boolean {
  return /^The client is (closed|offline)|^The queue is full|^Stream isn't writeable/.test(message);
}
