import { Agent } from "@deep-agent/core";
import { RedisBackend } from "@deep-agent/redis";

/** Turns are held until the application asks to store them. */
export async function manualSave(
  url: string,
  { model, ...access }: { model: string; apiKey: string; baseURL: string | undefined },
): Promise<void> {
  await using backend = new RedisBackend(url);
  await backend.delete("user-bob");
  const ai = Agent.openAI(model, access)
    .withShortMemory()
    .withLongMemory("user-bob")
    .usingBackend(backend)
    .withAutoSaveLongMemory(false);
  await ai.ask("My favorite color is red.");
  await ai.ask("I am allergic to peanuts.");
  const before = (await backend.load("user-bob"))?.length ?? 0;
  await ai.saveLongMemory();
  const after = (await backend.load("user-bob"))?.length ?? 0;
  console.log(`Manual save: ${before} messages stored before, ${after} after.`);
}
