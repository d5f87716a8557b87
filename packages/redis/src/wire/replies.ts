import { NoReply, type RedisReply, RefusedReply } from "./redis-commands.ts";

/** The replies of commands that travel together, as the command port has them, from those of a client. */
export async function repliesOf(sent: readonly Promise<unknown>[]): Promise<readonly RedisReply[]> {
  const settled = await Promise.allSettled(sent);
  return settled.map((result) => (result.status === "fulfilled" ? textOf(result.value) : refusalOf(result.reason)));
}

/** An error that a server answered; for any other, throws {@link NoReply}. */
export function refusalOf(error: unknown): RefusedReply {
  const { message } = error as Error; // as clients reject
  if (isServersWords(message)) return new RefusedReply(message);
  throw new NoReply(!isUnsent(message), error as Error);
}

/** Whatever a client was told to turn them into, we read text. */
export function textOf(value: unknown): RedisReply {
  if (Buffer.isBuffer(value)) return value.toString();
  if (Array.isArray(value) && value.some((part) => typeof part === "object" && part !== null)) return value.map(textOf);
  return value as RedisReply; // what scripts and the few other commands answer: text, integers, nil, arrays of them
}

/** Errors of servers begin with a code in capitals, those of sockets and clients do not. */
function isServersWords(message: string): boolean {
  return /^[A-Z][A-Z0-9]+ /.test(message);
}

/** Clients say so where a command was not written. Their error classes are not asked: there may be several copies of them. */
function isUnsent(message: string): boolean {
  return /^The client is (closed|offline)|^The queue is full|^Stream isn't writeable/.test(message);
}
