import { Agent } from "@deep-agent/core";
import type { Ttl } from "@deep-agent/core/adapter";
import { RedisBackend } from "@deep-agent/redis";

/** How long conversations are kept after their last turn, for each kind of user. */
const kinds: readonly { kind: string; ttl: Ttl }[] = [
  { kind: "anonymous", ttl: "1h" },
  { kind: "regular", ttl: "7d" },
  { kind: "premium", ttl: "30d" },
];

export async function timeToLive(
  url: string,
  { model, ...access }: { model: string; apiKey: string; baseURL: string | undefined },
): Promise<void> {
  for (const { kind, ttl } of kinds) {
    await using backend = new RedisBackend(url).withTTL(ttl);
    const ai = Agent.openAI(model, access).withLongMemory(`${kind}-user`).usingBackend(backend);
    await ai.ask("My favorite color is green.");
    const info = await backend.info(`${kind}-user`);
    const hours = ((info?.expiresAt ?? 0) - (info?.updatedAt ?? 0)) / 3_600_000;
    console.log(`TTL: what ${kind} users said is kept for ${Math.round(hours)} hours.`);
  }
}
