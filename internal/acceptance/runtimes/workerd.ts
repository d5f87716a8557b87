import { Agent } from "@deep-agent/core";
import { InMemoryBackend } from "@deep-agent/in-memory";

/** What workerd runs, as a test of its own kind: its bindings are the environment, and no files stay. */
const worker = {
  async test(): Promise<void> {
    const backend = new InMemoryBackend();
    const agent = () => Agent.openAI("gpt-4").withLongMemory("user-alice").usingBackend(backend);
    await agent().ask("My favorite color is blue");
    console.log(await agent().ask("What is my favorite color?"));
  },
};

// biome-ignore lint/style/noDefaultExport: workerd looks for it.
export default worker;
