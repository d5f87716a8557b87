import { Agent } from "@deep-agent/core";
import { RedisBackend } from "@deep-agent/redis";

/** The settings of a model for `Agent.openAI`. */
export interface Model {
  model: string;
  apiKey: string;
  baseURL: string | undefined;
}

/** Tells an agent something, ends it, and asks another agent. */
export async function remember(url: string, { model, ...access }: Model): Promise<void> {
  {
    await using backend = new RedisBackend(url);
    const ai = Agent.openAI(model, access).withShortMemory().withLongMemory("user-alice").usingBackend(backend);
    console.log(`Alice:   My favorite color is blue.\nAgent:   ${await ai.ask("My favorite color is blue.")}`);
  }
  console.log("         (The agent and its connection are gone. Another one begins.)");
  {
    await using backend = new RedisBackend(url);
    const ai = Agent.openAI(model, access).withShortMemory().withLongMemory("user-alice").usingBackend(backend);
    console.log(`Alice:   What is my favorite color?\nAgent:   ${await ai.ask("What is my favorite color?")}`);
    console.log(`Memories: ${(await ai.listLongMemories()).join(", ")}`);
  }
}
