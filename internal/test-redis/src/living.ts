import { ErrorReply } from "@redis/client";
import type { RedisServer } from "./redis-server.ts";

/** How long a server that `freeze` did not freeze may take to answer, in ms. */
const ANSWER_LIMIT = 1_000;

/** The server's answer; `undefined` if it is dead, frozen, or not ready yet. Rejects if the answer is an error. */
export async function answerOf(server: RedisServer, ...words: string[]): Promise<unknown> {
  if (server.isFrozen) return undefined;
  try {
    return await server.ask(words, { limitMs: ANSWER_LIMIT });
  } catch (error) {
    if (error instanceof ErrorReply && !/^(LOADING|BUSY) /.test(error.message)) throw error;
    return undefined;
  }
}

/** The answers of the living servers. Rejects if an answer is an error, or if no server answers. */
export async function answersOf(
  servers: readonly RedisServer[],
  ...words: string[]
): Promise<Map<RedisServer, unknown>> {
  const answers = await Promise.all(servers.map((server) => answerOf(server, ...words)));
  const living = new Map<RedisServer, unknown>();
  for (const [index, server] of servers.entries()) {
    const answer = answers[index];
    if (answer !== undefined) living.set(server, answer);
  }
  if (living.size === 0) throw new Error(`No server answers: ${servers.map(({ addr }) => addr).join(", ")}.`);
  return living;
}
