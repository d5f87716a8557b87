import { Agent } from "@deep-agent/core";
import { InMemoryBackend } from "@deep-agent/in-memory";

interface Bindings {
  baseURL: string;
  apiKey: string;
}

/** What workerd runs, as a test of its own kind: it has no arguments, and no files that stay. */
const worker = {
  async test(_controller: unknown, { apiKey, baseURL }: Bindings): Promise<void> {
    const backend = new InMemoryBackend();
    const agent = () => Agent.openAI("gpt-4", { apiKey, baseURL }).withLongMemory("user-alice").usingBackend(backend);
    await agent().ask("My favorite color is blue");
    console.log(await agent().ask("What is my favorite color?"));
  },
};

// biome-ignore lint/style/noDefaultExport: workerd looks for it.
export default worker;
