import { MemoryError } from "@deep-agent/core";
import { RedisBackend } from "@deep-agent/redis";

/** Asks the server how it is, before anything depends on it; and a server that is not there. */
export async function health(url: string): Promise<void> {
  await using backend = new RedisBackend({ url, timeoutMs: 2_000 });
  const { latencyMs } = await backend.ping();
  console.log(`Health: the server answers (${latencyMs < 1_000 ? "at once" : "late"}).`);

  await using away = new RedisBackend("localhost:1");
  try {
    await away.ping();
  } catch (error) {
    if (!MemoryError.is(error, "UNAVAILABLE")) throw error;
    console.log(`Health: ${error.message}`);
  }
}
