import { ErrorReply } from "@redis/client";
import type { RedisServer } from "./redis-server.ts";

/** How long a server may take to answer that was not frozen by its `freeze`, in ms. */
const ANSWER_LIMIT = 1_000;

/** What the server answers; `undefined`: it is dead, frozen, or not yet ready to. Rejects where it answers with an error. */
export async function answerOf(server: RedisServer, ...words: string[]): Promise<unknown> {
  if (server.isFrozen) return undefined;
  try {
    return await server.ask(words, { limitMs: ANSWER_LIMIT });
  } catch (error) {
    if (error instanceof ErrorReply && !/^(LOADING|BUSY) /.test(error.message)) throw error;
    return undefined;
  }
}

/** What each server answers, without those of which that is `undefined`. Rejects where there is no other, too. */
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
  if (living.size === 0) throw new Error(`None of ${servers.map(({ addr }) => addr).join(", ")} answers.`);
  return living;
}
