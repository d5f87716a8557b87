import { Agent } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";

const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL } = process.env;

const backend = new FileBackend("./memories");
const ai = Agent.openAI("gpt-4", { apiKey, baseURL })
  .withShortMemory()
  .withLongMemory("user-alice")
  .usingBackend(backend);
console.log(await ai.ask(process.argv[2] ?? "My favorite color is blue"));
