import { subscribe } from "node:diagnostics_channel";
import { promisify } from "node:util";
import { Agent, type AskEvent, openBackend, supports } from "@deep-agent/core";
import { modelFromEnvironment } from "@deep-agent-examples/offline-model";
import type { Report } from "./own-process.ts";

// A process that lives for a few turns. It says to the agent what its arguments hold, and reports the answers.
const [memoryId = "", ...sentences] = process.argv.slice(2);

const report: (report: Report) => Promise<unknown> = promisify((message: Report, done: (error: Error | null) => void) =>
  process.send?.(message, done),
);

let ms: AskEvent["ms"] = { queued: 0, load: 0, model: 0, save: 0 };
subscribe("deep-agent:ask", (event) => {
  ms = (event as AskEvent).ms; // as that channel documents
});

const notes: string[] = [];
const { model, apiKey, baseURL, ...server } = await modelFromEnvironment({ say: (line) => notes.push(line) });
const backend = await openBackend(process.env["DEEP_AGENT_BACKEND"] ?? "");
try {
  for (const note of notes) await report({ note });
  const ai = Agent.openAI(model, { apiKey, baseURL })
    .withSystem("Answer from what the user has told you, in one short sentence. Say so if you do not know.")
    .withLongMemory(memoryId)
    .usingBackend(backend);
  for (const said of sentences) {
    const text = await ai.ask(said);
    await report({ said, text, ms });
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await server[Symbol.asyncDispose]();
  if (supports(backend, "lifecycle")) await backend.close();
  process.disconnect?.();
}
