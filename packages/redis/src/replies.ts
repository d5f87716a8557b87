import { NoReply, type RedisReply, RefusedReply } from "./redis-commands.ts";

/** The replies of commands that travel together, as the command port has them, from those of node-redis. */
export async function repliesOf(sent: readonly Promise<unknown>[]): Promise<readonly RedisReply[]> {
  const settled = await Promise.allSettled(sent);
  return settled.map((result) => {
    // What scripts and the few other commands answer: text, integers, nil, arrays of them.
    if (result.status === "fulfilled") return result.value as RedisReply;
    const { message } = result.reason as Error;
    if (isServersWords(message)) return new RefusedReply(message);
    throw new NoReply(!isUnsent(message), result.reason);
  });
}

/** Errors of servers begin with a code in capitals, those of sockets and clients do not. */
function isServersWords(message: string): boolean {
  return /^[A-Z][A-Z0-9]+ /.test(message);
}

/** node-redis says so where a command was not written. Its error classes are not asked: there may be several copies of it. */
function isUnsent(message: string): boolean {
  return /^The client is (closed|offline)|^The queue is full/.test(message);
}
